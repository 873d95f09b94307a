import { assertEquals, assertRejects } from "@std/assert";
import { createMemoryStore } from "../../tests/helpers/memory_store.ts";
import { testCall } from "../../tests/helpers/temp_engine.ts";
import type { KeptLayer } from "../build/cache.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { MediaType } from "../oci/media_type.ts";
import { readManifest } from "../oci/validate.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { readCacheManifest, writeCacheManifest } from "./cache_manifest.ts";

const call = testCall();
const name = "cache";
const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

function record(digit: string, more: Partial<KeptLayer> = {}): KeptLayer {
  const descriptor = { mediaType: MediaType.layerGzip, digest: digestOf(digit), size: 10 };
  const layer = { descriptor, diffId: digestOf("d"), created: "2024-01-02T03:04:05.000Z" };
  return { key: digit.repeat(64), layer, instruction: `RUN ${digit}`, ...more };
}

/** Writes a cache into a store and reads it again. */
async function carry(records: readonly KeptLayer[]): Promise<readonly KeptLayer[]> {
  await using store = createMemoryStore();
  const { manifest, blobs } = await writeCacheManifest(records);
  for (const { descriptor, bytes } of [...blobs, manifest]) {
    await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
  }
  return await readCacheManifest(store, { descriptor: manifest.descriptor, name }, call);
}

Deno.test("readCacheManifest() gives what writeCacheManifest() was given, by key", async () => {
  const [a, b] = [record("a", { operation: "1".repeat(64) }), record("b", { shortcut: "2".repeat(64) })];
  assertEquals(await carry([b, a]), [a, b]);
  assertEquals(await carry([]), []);
});

Deno.test("writeCacheManifest() gives the same bytes in whatever order records come, and lists a layer once", async () => {
  const [a, b] = [record("a"), { ...record("a"), key: "b".repeat(64) }];
  const one = await writeCacheManifest([a, b]);
  assertEquals(one, await writeCacheManifest([b, a]));
  assertEquals(readManifest(one.manifest.bytes).layers, [a.layer.descriptor]);
});

Deno.test("writeCacheManifest() lists the empty blob when there are no layers", async () => {
  const { manifest, blobs } = await writeCacheManifest([]);
  const { layers } = readManifest(manifest.bytes);
  assertEquals(layers.map(({ mediaType, size }) => [mediaType, size]), [[MediaType.empty, 2]]);
  assertEquals(blobs.map(({ descriptor }) => descriptor.digest).includes(layers[0]?.digest ?? digestOf("0")), true);
});

Deno.test("writeCacheManifest() keeps the beginning of a long instruction", async () => {
  const [kept] = await carry([record("a", { instruction: "x".repeat(5000) })]);
  assertEquals(kept?.instruction.length, 1024);
});

Deno.test("readCacheManifest() rejects UNSUPPORTED for what is no cache", async () => {
  await using store = createMemoryStore();
  const index: Descriptor = { mediaType: MediaType.index, digest: digestOf("a"), size: 2 };
  const error = await assertRejects(() => readCacheManifest(store, { descriptor: index, name }, call), EngineError);
  assertEquals([error.code, error.hint], ["UNSUPPORTED", "Name what strata build --cache-to wrote"]);
});

Deno.test("readCacheManifest() rejects CONTENT_MISMATCH for a layer that is none", async () => {
  const layer = {
    ...record("a").layer,
    descriptor: { mediaType: MediaType.octetStream, digest: digestOf("a"), size: 1 },
  };
  const error = await assertRejects(() => carry([record("a", { layer })]), EngineError);
  assertEquals(error.code, "CONTENT_MISMATCH");
});
