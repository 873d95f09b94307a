import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { graphOf } from "../../tests/helpers/build_fixture.ts";
import type { HistoryStep } from "../contract/image_config.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image_config.ts";
import { MediaType } from "../oci/media_type.ts";
import { readImageConfig, readManifest } from "../oci/validate.ts";
import { assembleImage, assembleIndex, type AssembleOptions, resultKey } from "./assemble.ts";
import type { ChainLayer } from "./chain.ts";
import type { BaseFacts } from "./node_state.ts";
import { lazyTree } from "./node_tree.ts";
import type { SolvedGraph } from "./solve.ts";

const now = "2024-01-02T03:04:05.000Z";
const options: AssembleOptions = { labels: {}, annotations: {}, sourceDateEpoch: undefined };

function layer(letter: string, created?: string, mediaType: string = MediaType.layer): ChainLayer {
  const digest: Digest = `sha256:${letter.repeat(64)}`;
  return { descriptor: { mediaType, digest, size: 1 }, diffId: digest, ...(created === undefined ? {} : { created }) };
}

function step(createdBy: string, emptyLayer: boolean): HistoryStep {
  return { createdBy, emptyLayer, comment: "c" };
}

function solved(layers: readonly ChainLayer[], history: readonly HistoryStep[], base?: BaseFacts): SolvedGraph {
  return {
    graph: { ...graphOf({ type: "scratch" }), config: { Env: ["A=1"], Labels: { a: "graph", b: "graph" } }, history },
    chain: { layers, chainId: undefined },
    base,
    tree: lazyTree(() => Promise.reject(new EngineError("INTERNAL", "not read here"))),
  };
}

async function configOf(graph: SolvedGraph, more: Partial<AssembleOptions> = {}): Promise<ImageConfig> {
  const { config } = await assembleImage(graph, { ...options, ...more }, now);
  return readImageConfig(config.bytes);
}

Deno.test("assembleImage() gives a manifest and config that pass validation when there are no layers", async () => {
  const { manifest, config } = await assembleImage(solved([], [step("ENV A=1", true)]), options, now);
  const read = readManifest(manifest.bytes, MediaType.manifest);
  assertEquals(read.layers, []);
  assertEquals(read.config, config.descriptor);
  const written = readImageConfig(config.bytes);
  assertEquals(written.rootfs.diff_ids, []);
  assertEquals(written.created, now);
  assertEquals(written.history, [{ created: now, created_by: "ENV A=1", comment: "c", empty_layer: true }]);
});

Deno.test("assembleImage() fills the times of entries without a layer from the new layers, not from the base", async () => {
  const base: BaseFacts = { history: [{ created: "2020-01-01T00:00:00Z", created_by: "base" }] };
  const layers = [layer("a"), layer("b", "2023-01-01T00:00:00Z"), layer("c", "2023-02-02T00:00:00Z")];
  const history = [
    step("ENV", true),
    step("COPY 1", false),
    step("CMD", true),
    step("COPY 2", false),
    step("EXPOSE", true),
  ];
  const config = await configOf(solved(layers, history, base));
  assertEquals(config.history?.map(({ created, created_by }) => [created, created_by]), [
    ["2020-01-01T00:00:00Z", "base"],
    ["2023-01-01T00:00:00Z", "ENV"],
    ["2023-01-01T00:00:00Z", "COPY 1"],
    ["2023-01-01T00:00:00Z", "CMD"],
    ["2023-02-02T00:00:00Z", "COPY 2"],
    ["2023-02-02T00:00:00Z", "EXPOSE"],
  ]);
});

Deno.test("assembleImage() makes the image as old as its newest new layer, whenever it is assembled", async () => {
  const base: BaseFacts = { history: [{ created: "2020-01-01T00:00:00Z", created_by: "base" }] };
  const layers = [
    layer("a", "2029-01-01T00:00:00Z"),
    layer("b", "2023-02-02T00:00:00Z"),
    layer("c", "2023-01-01T00:00:00Z"),
  ];
  const history = [step("COPY 1", false), step("COPY 2", false), step("CMD", true)];
  assertEquals((await configOf(solved(layers, history, base))).created, "2023-02-02T00:00:00Z");
  assertEquals((await configOf(solved(layers.slice(0, 1), [step("CMD", true)], base))).created, now);
});

Deno.test("assembleImage() sets every new time when there is a source date epoch", async () => {
  const base: BaseFacts = { history: [{ created: "2020-01-01T00:00:00Z", created_by: "base" }] };
  const layers = [layer("a"), layer("b", "2023-01-01T00:00:00Z")];
  const config = await configOf(solved(layers, [step("COPY", false), step("CMD", true)], base), { sourceDateEpoch: 1 });
  const fixed = "1970-01-01T00:00:01.000Z";
  assertEquals(config.created, fixed);
  assertEquals(config.history?.map(({ created }) => created), ["2020-01-01T00:00:00Z", fixed, fixed]);
});

Deno.test("assembleImage() puts given labels over those of the build file", async () => {
  const config = await configOf(solved([], []), { labels: { a: "flag", c: "flag" } });
  assertEquals(config.config?.Labels, { a: "flag", b: "graph", c: "flag" });
});

Deno.test("assembleImage() keeps the base's author and names docker's layers as OCI does", async () => {
  const base: BaseFacts = { history: [{ created_by: "base" }], author: "someone" };
  const graph = solved([layer("a", undefined, MediaType.dockerLayerGzip)], [], base);
  const { manifest, config } = await assembleImage(graph, { ...options, annotations: { k: "v" } }, now);
  const read = readManifest(manifest.bytes);
  assertEquals(read.layers.map(({ mediaType }) => mediaType), [MediaType.layerGzip]);
  assertEquals(read.annotations, { k: "v" });
  assertEquals(readImageConfig(config.bytes).author, "someone");
});

Deno.test("assembleImage() rejects PLUGIN_FAILED when history and layers do not pair", async () => {
  for (const graph of [solved([layer("a")], []), solved([], [step("COPY", false)])]) {
    const error = await assertRejects(() => assembleImage(graph, options, now), EngineError);
    assertEquals(error.code, "PLUGIN_FAILED");
  }
});

Deno.test("resultKey() differs when anything but the time of assembly does", async () => {
  const graph = solved([layer("a", now)], [step("COPY", false)]);
  const keys = await Promise.all([
    resultKey(graph, options),
    resultKey(solved([layer("b", now)], [step("COPY", false)]), options),
    resultKey(solved([layer("a", "2025-01-01T00:00:00Z")], [step("COPY", false)]), options),
    resultKey(solved([layer("a", now)], [step("ADD", false)]), options),
    resultKey(graph, { ...options, labels: { x: "y" } }),
    resultKey(graph, { ...options, annotations: { x: "y" } }),
    resultKey(graph, { ...options, sourceDateEpoch: 7 }),
  ]);
  assertEquals(new Set(keys).size, keys.length);
  assertEquals(await resultKey(graph, options), keys[0]);
});

Deno.test("assembleIndex() keeps the order and platforms of its manifests", async () => {
  const digest: Digest = `sha256:${"a".repeat(64)}`;
  const entries = ["arm64", "amd64"].map((architecture) => ({
    mediaType: MediaType.manifest,
    digest,
    size: 2,
    platform: { os: "linux", architecture },
  }));
  const plain = await assembleIndex(entries, {});
  const annotated = await assembleIndex(entries, { k: "v" });
  assertNotEquals(plain.descriptor.digest, annotated.descriptor.digest);
  assertEquals(JSON.parse(new TextDecoder().decode(plain.bytes)), {
    schemaVersion: 2,
    mediaType: MediaType.index,
    manifests: entries,
  });
});
