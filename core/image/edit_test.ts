import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { type ImageFixture, putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { failureOf } from "../../tests/helpers/registry_actions.ts";
import { encode, makeBlob, type TestBlob } from "../../tests/helpers/registry_fixture.ts";
import { type RegistryServer, startRegistryServer } from "../../tests/helpers/registry_server.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import type { EngineEvent } from "../contract/call.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image_config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { parseAnnotation } from "./annotation.ts";
import { copyImages } from "./copy.ts";
import { editImage } from "./edit.ts";
import { inspectManifest } from "./inspect_manifest.ts";
import { resolveImage } from "./resolve_image.ts";

const call = testCall();
const linux = (architecture: string): Platform => ({ os: "linux", architecture });

interface Bench extends AsyncDisposable {
  readonly engine: TempEngine;
  readonly server: RegistryServer;
  /** Address of a repository. */
  at(name: string): string;
}

/**
 * A registry and a store with `base:1`, `base:2`, and `app` on the first of them. All are in the registry as well, with an index `multi`
 * for two platforms.
 */
async function openBench(): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(startRegistryServer());
  const engine = stack.use(await createTempEngine());
  const at = (name: string): string => `registry:${server.host}/${name}`;
  const base = { "etc/release": "1" };
  const put = async (name: string, fixture: ImageFixture): Promise<void> => {
    await putImage(engine.store, { ...fixture, names: [name], platform: linux("amd64") }, call);
    await copyImages(engine, { source: name, target: at(`team/${name}`) }, call);
  };
  await put("base:1", { layers: [base], exec: { Env: ["PATH=/bin", "BASE=1"], User: "root" } });
  await put("base:2", { layers: [{ "etc/release": "2" }, { more: "2" }], exec: { Env: ["PATH=/bin", "BASE=2"] } });
  await put("app:1", {
    layers: [base, { app: "x" }],
    exec: { Env: ["PATH=/bin", "BASE=1", "APP=1"], User: "root", Cmd: ["app"] },
  });
  const images = ["amd64", "arm64"].map((each) => ({ layers: [{ [each]: "x" }], platform: linux(each) }));
  await putIndex(engine.store, { images, names: ["multi:1"] }, call);
  await copyImages(engine, { source: "multi:1", target: at("team/multi:1") }, call);
  const held = stack.move();
  return { engine, server, at, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** What was asked of a registry while some work was done, as lines of method and path. */
async function asked(server: RegistryServer, work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = server.lines().length;
  await work();
  return server.lines().slice(before);
}

async function readDocument<T>(engine: TempEngine, image: string, config = false): Promise<T> {
  const { bytes } = await inspectManifest(engine, { image, config, local: true }, call);
  return JSON.parse(new TextDecoder().decode(bytes));
}

Deno.test("editImage() edits an image on its registry without reading or writing a layer", async () => {
  await using bench = await openBench();
  const { engine, server, at } = bench;
  const before = await readDocument<Manifest>(engine, at("team/app:1"));
  const blobs = (await Array.fromAsync(engine.store.blobs(call))).length;
  const lines = await asked(server, () =>
    editImage(engine, {
      source: at("team/app:1"),
      target: at("team/app:2"),
      change: { env: { APP: "2" }, labels: { a: "b" }, author: "me" },
      annotations: parseAnnotation("k=v"),
    }, call));
  const after = await readDocument<Manifest>(engine, at("team/app:2"));
  const config = await readDocument<ImageConfig>(engine, at("team/app:2"), true);
  assertEquals(after.layers, before.layers);
  assertEquals(after.annotations, { k: "v" });
  assertObjectMatch(config, {
    author: "me",
    created: "2024-01-02T03:04:05.000Z",
    config: { Env: ["PATH=/bin", "BASE=1", "APP=2"], Labels: { a: "b" }, Cmd: ["app"] },
  });
  assertEquals(config.history?.at(-1), {
    created: "2024-01-02T03:04:05.000Z",
    created_by: "strata edit --env APP=2 --label a=b --author me --annotation k=v",
    empty_layer: true,
  });
  const read = lines.filter((line) => line.startsWith("GET") && line.includes("/blobs/"));
  assertEquals(read.map((line) => line.split("/").at(-1)), [before.config.digest]);
  assertEquals(lines.filter((line) => line.startsWith("PUT") && line.includes("/blobs/")).length, 1, "the new config");
  assertEquals((await Array.fromAsync(engine.store.blobs(call))).length, blobs);
});

Deno.test("editImage() has layers mounted in another repository and sends them straight to another registry", async () => {
  await using bench = await openBench();
  const { engine, server, at } = bench;
  await using other = startRegistryServer();
  const source = at("team/app:1");
  const change = { cmd: ["x"] };
  const lines = await asked(server, () => editImage(engine, { source, target: at("other/app:2"), change }, call));
  assertEquals(lines.filter((line) => line.startsWith("GET") && line.includes("/blobs/")).length, 1, "the config");
  const mounts = server.requests.filter(({ query }) => query.includes("mount="));
  assertEquals(mounts.filter(({ path }) => path.includes("other/app")).map(({ status }) => status), [201, 201]);
  const blobs = (await Array.fromAsync(engine.store.blobs(call))).length;
  await editImage(engine, { source, target: `registry:${other.host}/app:2`, change }, call);
  const there = await readDocument<Manifest>(engine, `registry:${other.host}/app:2`);
  assertEquals(there, await readDocument<Manifest>(engine, at("other/app:2")));
  assertEquals((await Array.fromAsync(engine.store.blobs(call))).length, blobs);
});

Deno.test("editImage() rebases on a registry: layers of the new base are mounted, what was inherited follows it", async () => {
  await using bench = await openBench();
  const { engine, server, at } = bench;
  const rebase = { oldBase: at("team/base:1"), newBase: at("team/base:2") };
  const lines = await asked(
    server,
    () =>
      editImage(engine, { source: at("team/app:1"), target: at("team/app:2"), rebase, change: { user: "app" } }, call),
  );
  const [app, base, after] = [
    await readDocument<Manifest>(engine, at("team/app:1")),
    await readDocument<Manifest>(engine, at("team/base:2")),
    await readDocument<Manifest>(engine, at("team/app:2")),
  ];
  assertEquals(after.layers, [...base.layers, ...app.layers.slice(1)]);
  const config = await readDocument<ImageConfig>(engine, at("team/app:2"), true);
  assertEquals(config.config, { Env: ["PATH=/bin", "BASE=2", "APP=1"], User: "app", Cmd: ["app"] });
  assertEquals(config.history?.map((step) => step.empty_layer === true), [false, false, false, true]);
  const { descriptor } = await inspectManifest(engine, { image: at("team/base:2") }, call);
  assertEquals(after.annotations, {
    "org.opencontainers.image.base.digest": descriptor.digest,
    "org.opencontainers.image.base.name": `${server.host}/team/base:2`,
  });
  const read = lines.filter((line) => line.startsWith("GET") && line.includes("/blobs/"));
  assertEquals(read.length, 3, `three configs are read, no layer:\n${read.join("\n")}`);
  const wrong = await failureOf(() =>
    editImage(
      engine,
      { source: at("team/app:1"), target: at("x/y:1"), rebase: { ...rebase, oldBase: rebase.newBase } },
      call,
    )
  );
  assertEquals(wrong.code, "INVALID_ARGUMENT");
  assertEquals(server.content.repositories.has("x/y"), false);
});

Deno.test("editImage() edits all of an index or some platforms, and leaves out attestations with a warning", async () => {
  await using bench = await openBench();
  const { engine, at } = bench;
  const source = at("team/multi:1");
  const before = await readDocument<ImageIndex>(engine, source);
  const all = await editImage(engine, {
    source,
    target: at("team/multi:2"),
    change: { labels: { a: "b" } },
    annotations: parseAnnotation("index,manifest[linux/arm64]:k=v"),
  }, call);
  assertEquals(all.images.map(({ platform }) => platform.architecture), ["amd64", "arm64"]);
  const after = await readDocument<ImageIndex>(engine, at("team/multi:2"));
  assertEquals(after.annotations, { k: "v" });
  assertEquals(after.manifests.map(({ digest }) => digest), all.images.map((image) => image.after));
  assertEquals(after.manifests.map(({ platform }) => platform), before.manifests.map(({ platform }) => platform));
  const some = await editImage(engine, {
    source,
    target: at("team/multi:3"),
    change: { user: "x" },
    platforms: [{ os: "linux", architecture: "arm64" }],
  }, call);
  const partly = await readDocument<ImageIndex>(engine, at("team/multi:3"));
  assertEquals(partly.manifests.map(({ digest }) => digest), [before.manifests[0]?.digest, some.images[0]?.after]);
  const none = await failureOf(() =>
    editImage(engine, {
      source,
      target: "x",
      change: { user: "x" },
      platforms: [{ os: "linux", architecture: "s390x" }],
    }, call)
  );
  assertEquals([none.code, none.detail["name"]], ["NOT_FOUND", "linux/s390x"]);
});

Deno.test("editImage() leaves out what attests to an image as it was", async () => {
  await using engine = await createTempEngine();
  const images = [{ layers: [{ a: "x" }], platform: linux("amd64") }];
  const { descriptor } = await putIndex(engine.store, { images, names: ["multi:1"] }, call);
  const layout = `${engine.directory}/layout`;
  await copyImages(engine, { source: "multi:1", target: `oci:${layout}` }, call);
  const path = (digest: string): string => `${layout}/blobs/${digest.replace(":", "/")}`;
  const index: ImageIndex = JSON.parse(await Deno.readTextFile(path(descriptor.digest)));
  const [image] = index.manifests;
  assert(image !== undefined);
  const attestation = {
    ...image,
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest },
  };
  const bytes = new TextEncoder().encode(JSON.stringify({ ...index, manifests: [image, attestation] }));
  const hex = [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))];
  const digest = `sha256:${hex.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  await Deno.writeFile(path(digest), bytes);
  const root = { mediaType: descriptor.mediaType, digest, size: bytes.length };
  await Deno.writeTextFile(`${layout}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [root] }));
  const events: EngineEvent[] = [];
  const noting = { ...call, emit: (event: EngineEvent): void => void events.push(event) };
  const target = `oci:${engine.directory}/edited`;
  await editImage(engine, { source: `oci:${layout}`, target, change: { user: "x" } }, noting);
  assertEquals((await readDocument<ImageIndex>(engine, target)).manifests.length, 1);
  assertEquals(events.flatMap((event) => event.type === "warning" ? [event.code] : []), ["AttestationLeftOut"]);
});

Deno.test("editImage() edits in the store, from it to a registry, and from a registry into it", async () => {
  await using bench = await openBench();
  const { engine, at } = bench;
  const change = { env: { APP: "2" } };
  await editImage(engine, { source: "app:1", target: "app:2", change }, call);
  const local = await resolveImage(engine, "app:2", call);
  await editImage(engine, { source: "app:1", target: at("team/app:2"), change }, call);
  const remote = await readDocument<Manifest>(engine, at("team/app:2"));
  assertEquals(remote.config.digest, local.id);
  assertEquals(remote.layers, (await readDocument<Manifest>(engine, at("team/app:1"))).layers, "compressed as by push");
  await using other = await createTempEngine();
  await editImage(other, { source: at("team/app:1"), target: "app:3", change }, call);
  assertEquals((await resolveImage(other, "app:3", call)).id, local.id);
  const rebase = { oldBase: at("team/base:1"), newBase: "base:2" };
  await editImage(engine, { source: at("team/app:1"), target: at("team/app:4"), rebase }, call);
  const rebased = await readDocument<Manifest>(engine, at("team/app:4"));
  assertEquals(rebased.layers.slice(0, 2), (await readDocument<Manifest>(engine, at("team/base:2"))).layers);
});

Deno.test("editImage() tells of differences and writes nothing in a dry run, and abides by SOURCE_DATE_EPOCH", async () => {
  await using engine = await createTempEngine({ config: { sourceDateEpoch: 1 } });
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:1"], exec: { Env: ["A=1"] } }, call);
  const input = { source: "app:1", target: "app:2", change: { env: { A: "2" } } };
  const before = await Array.fromAsync(engine.store.names("", call));
  const dry = await editImage(engine, { ...input, dryRun: true }, call);
  assertEquals(await Array.fromAsync(engine.store.names("", call)), before);
  const differences = dry.images[0]?.differences ?? [];
  assertEquals(differences.filter(({ path }) => path !== "history"), [
    { path: "config.Env.A", before: '"1"', after: '"2"' },
    { path: "created", before: '"2024-01-01T00:00:00Z"', after: '"1970-01-01T00:00:01.000Z"' },
  ]);
  assertEquals((await editImage(engine, input, call)).descriptor, dry.descriptor);
});

Deno.test("editImage() rejects INVALID_ARGUMENT when nothing is to be changed or there is no index to annotate", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:1"] }, call);
  const input = { source: "app:1", target: "app:2" };
  const edits = [
    {},
    { change: { env: {}, unsetEnv: [] } },
    { change: { workdir: "x" } },
    { annotations: parseAnnotation("index:k=v") },
  ];
  for (const edit of edits) {
    const error = await failureOf(() => editImage(engine, { ...input, ...edit }, call));
    assertEquals([edit, error.code], [edit, "INVALID_ARGUMENT"]);
  }
  await editImage(engine, { ...input, change: { entrypoint: [] } }, call);
});

/** Puts an image of Docker's form, whose layers nobody reads, on a server; its diffIDs are the digests of its layers. */
async function seedDocker(server: RegistryServer, repository: string, layers: readonly TestBlob[]): Promise<void> {
  const docker = "application/vnd.docker";
  const config = await makeBlob(
    `${docker}.container.image.v1+json`,
    encode({
      os: "linux",
      architecture: "amd64",
      container_config: { Hostname: "kept" },
      rootfs: { type: "layers", diff_ids: layers.map(({ descriptor }) => descriptor.digest) },
    }),
  );
  const mediaType = `${docker}.distribution.manifest.v2+json`;
  const descriptors = layers.map(({ descriptor }) => descriptor);
  const bytes = encode({ schemaVersion: 2, mediaType, config: config.descriptor, layers: descriptors });
  for (const blob of [...layers, config]) await server.content.addBlob(repository, blob.bytes);
  await server.content.addManifest(repository, { mediaType, bytes }, "1");
}

Deno.test("editImage() keeps Docker's form and unknown members, and turns to OCI's for annotations and layers of it", async () => {
  await using bench = await openBench();
  const { engine, server, at } = bench;
  const layer = (type: string, text: string): Promise<TestBlob> => makeBlob(type, new TextEncoder().encode(text));
  const dockerLayer = await layer("application/vnd.docker.image.rootfs.diff.tar.gzip", "old");
  const ociLayer = await layer("application/vnd.oci.image.layer.v1.tar+zstd", "new");
  await seedDocker(server, "d/base", [dockerLayer]);
  await seedDocker(server, "d/app", [dockerLayer]);
  await seedDocker(server, "d/mixed", [ociLayer]);
  const source = at("d/app:1");
  const change = { user: "x" };
  await editImage(engine, { source, target: at("d/app:2"), change }, call);
  const kept = await readDocument<Manifest>(engine, at("d/app:2"));
  const config = await readDocument<Record<string, unknown>>(engine, at("d/app:2"), true);
  assertEquals(kept.mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  assertEquals(config["container_config"], { Hostname: "kept" });
  await editImage(engine, { source, target: at("d/app:3"), annotations: parseAnnotation("k=v") }, call);
  const annotated = await readDocument<Manifest>(engine, at("d/app:3"));
  const rebase = { oldBase: at("d/base:1"), newBase: at("d/mixed:1") };
  await editImage(engine, { source, target: at("d/app:4"), rebase }, call);
  const rebased = await readDocument<Manifest>(engine, at("d/app:4"));
  for (const manifest of [annotated, rebased]) {
    const types = [manifest.mediaType, manifest.config.mediaType, ...manifest.layers.map((each) => each.mediaType)];
    assertEquals(types.filter((type) => type?.includes("docker")), []);
  }
  assertEquals(rebased.layers.map(({ digest }) => digest), [ociLayer.descriptor.digest]);
});
