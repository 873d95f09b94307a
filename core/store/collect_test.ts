import { assert, assertEquals } from "@std/assert";
import { createMemoryStore } from "../../tests/helpers/memory_store.ts";
import { assertCode, call, chunked, listNames, makeBytes } from "../../tests/conformance/store_tools.ts";
import type { Descriptor, Digest, Store } from "../contract/mod.ts";
import { MediaType } from "../oci/media_type.ts";
import { collectGarbage } from "./collect.ts";
import {
  cacheName,
  compressedName,
  fetchName,
  imageIdName,
  layerName,
  operationName,
  originName,
  resultName,
  writeCacheRecord,
} from "./names.ts";
import { verifiedStore } from "./verified.ts";

interface Image {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layer: Descriptor;
  readonly table: Descriptor;
}

function openStore(): Store {
  return verifiedStore(createMemoryStore());
}

async function putJson(store: Store, mediaType: string, value: unknown): Promise<Descriptor> {
  return await store.ingest(chunked(new TextEncoder().encode(JSON.stringify(value))), mediaType, call);
}

/** Puts an image of one layer whose stored bytes are not those that its diffID names, as of a compressed one. */
async function putImage(store: Store, seed: number): Promise<Image> {
  const layer = await store.ingest(chunked(makeBytes(100, seed)), MediaType.layerGzip, call);
  const diffId = diffIdOf(seed);
  const rootfs = { type: "layers", diff_ids: [diffId] };
  const config = await putJson(store, MediaType.config, { architecture: "amd64", os: "linux", rootfs });
  const manifest = await putJson(store, MediaType.manifest, { schemaVersion: 2, config, layers: [layer] });
  const table = await putJson(store, MediaType.layerIndex, { seed });
  await store.tag(table, layerName(diffId), call);
  return { manifest, config, layer, table };
}

function diffIdOf(seed: number): Digest {
  return `sha256:${seed.toString(16).padStart(64, "0")}`;
}

async function present(store: Store, parts: readonly Descriptor[]): Promise<boolean[]> {
  return await Promise.all(parts.map((part) => store.has(part, call)));
}

Deno.test("collectGarbage() keeps what images need when they are named or dangling", async () => {
  const store = openStore();
  const [named, dangling, gone] = [await putImage(store, 1), await putImage(store, 2), await putImage(store, 3)];
  await store.tag(named.manifest, "ref/docker.io/library/a:latest", call);
  await store.tag(dangling.manifest, imageIdName(dangling.config.digest), call);
  const { removed, reclaimedBytes } = await collectGarbage(store, call);
  assertEquals(new Set(removed.map(({ digest }) => digest)), new Set(Object.values(gone).map(({ digest }) => digest)));
  assertEquals(reclaimedBytes, Object.values(gone).reduce((sum, part) => sum + part.size, 0));
  assert((await present(store, [...Object.values(named), ...Object.values(dangling)])).every(Boolean));
  assertEquals(await store.resolve(layerName(diffIdOf(3)), call), undefined);
  assertEquals((await collectGarbage(store, call)).removed, []);
});

Deno.test("collectGarbage() follows indexes, subjects and missing manifests", async () => {
  const store = openStore();
  const [first, second, missing] = [await putImage(store, 1), await putImage(store, 2), await putImage(store, 3)];
  const signature = await putJson(store, MediaType.manifest, {
    schemaVersion: 2,
    config: second.config,
    layers: [],
    subject: second.manifest,
  });
  const index = await putJson(store, MediaType.index, {
    schemaVersion: 2,
    manifests: [first.manifest, signature, missing.manifest],
  });
  await store.delete(missing.manifest.digest, call);
  await store.tag(index, imageIdName(index.digest), call);
  await collectGarbage(store, call);
  assert((await present(store, [...Object.values(first), ...Object.values(second), signature, index])).every(Boolean));
  assertEquals(await present(store, [missing.config, missing.layer, missing.table]), [false, false, false]);
});

Deno.test("collectGarbage() keeps cached layers with their tables, downloads and results", async () => {
  const store = openStore();
  const image = await putImage(store, 1);
  const cached = await putImage(store, 2);
  const file = await store.ingest(chunked(makeBytes(50)), MediaType.octetStream, call);
  const record = { layer: cached.layer, diffId: diffIdOf(2), created: "2024-01-01T00:00:00Z", instruction: "COPY" };
  await store.update([
    { name: cacheName("k"), descriptor: writeCacheRecord(record) },
    { name: fetchName("k"), descriptor: file },
    { name: resultName("k"), descriptor: image.manifest },
  ], call);
  await collectGarbage(store, call);
  assert((await present(store, [...Object.values(image), cached.layer, cached.table, file])).every(Boolean));
  assertEquals(await present(store, [cached.manifest, cached.config]), [false, false]);
});

Deno.test("collectGarbage() drops records of the build cache when their content is gone", async () => {
  const store = openStore();
  const [image, cached] = [await putImage(store, 1), await putImage(store, 2)];
  await store.update([
    { name: cacheName("k"), descriptor: cached.layer },
    { name: resultName("k"), descriptor: image.manifest },
    { name: resultName("l"), descriptor: cached.manifest },
  ], call);
  await store.delete(cached.layer.digest, call);
  await store.delete(image.manifest.digest, call);
  await collectGarbage(store, call);
  assertEquals(await listNames(store, "cache/"), []);
  assertEquals(await listNames(store, "result/"), [resultName("l")]);
  assertEquals(await listNames(store, "layer/"), [layerName(diffIdOf(2))]);
});

Deno.test("collectGarbage() keeps marks of operations as long as the cache has a layer", async () => {
  await using store = openStore();
  const mark = await putJson(store, MediaType.empty, {});
  const layer = await store.ingest(chunked(makeBytes(100, 1)), MediaType.layer, call);
  const record = { layer, diffId: diffIdOf(1), created: "2020-01-01T00:00:00Z", instruction: "RUN x" };
  await store.update([
    { name: operationName("1".repeat(64)), descriptor: mark },
    { name: cacheName("2".repeat(64)), descriptor: writeCacheRecord(record) },
  ], call);
  await collectGarbage(store, call);
  assertEquals(await listNames(store, "op/"), [operationName("1".repeat(64))]);
  await store.untag(cacheName("2".repeat(64)), call);
  await collectGarbage(store, call);
  assertEquals(await listNames(store, "op/"), []);
});

Deno.test("collectGarbage() removes nothing when an image cannot be read", async () => {
  const memory = createMemoryStore();
  const store = verifiedStore(memory);
  const image = await putImage(store, 1);
  await store.tag(image.manifest, "ref/a", call);
  const damaged = verifiedStore({
    ...methodsOf(memory),
    open: (descriptor, _call, offset) =>
      descriptor.digest === image.manifest.digest
        ? Promise.resolve(chunked(makeBytes(descriptor.size)))
        : memory.open(descriptor, call, offset),
  });
  await assertCode("CONTENT_MISMATCH", () => collectGarbage(damaged, call));
  assert((await present(store, Object.values(image))).every(Boolean));
});

function methodsOf(store: Store): Store {
  return {
    names: (prefix, call) => store.names(prefix, call),
    resolve: (name, call) => store.resolve(name, call),
    open: (descriptor, call, offset) => store.open(descriptor, call, offset),
    has: (descriptor, call) => store.has(descriptor, call),
    put: (descriptor, open, call) => store.put(descriptor, open, call),
    tag: (descriptor, name, call) => store.tag(descriptor, name, call),
    ingest: (content, mediaType, call) => store.ingest(content, mediaType, call),
    localPath: (digest) => store.localPath(digest),
    blobs: (call) => store.blobs(call),
    delete: (digest, call) => store.delete(digest, call),
    untag: (name, call) => store.untag(name, call),
    lease: (call) => store.lease(call),
    collect: (mark, call) => store.collect(mark, call),
    update: (changes, call) => store.update(changes, call),
    revision: (call) => store.revision(call),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

Deno.test("collectGarbage() keeps compressed forms and origins as long as their layers, and no layer for them", async () => {
  const store = openStore();
  const [kept, gone] = [await putImage(store, 1), await putImage(store, 2)];
  await store.tag(kept.manifest, "ref/docker.io/library/a:latest", call);
  const forms: Descriptor[] = [];
  for (const [seed, { layer }] of [kept, gone].entries()) {
    const form = await store.ingest(chunked(makeBytes(50, seed)), MediaType.layerGzip, call);
    forms.push(form);
    await store.tag(form, compressedName("gzip-6", diffIdOf(seed + 1)), call);
    await store.tag(form, originName(form.digest, "localhost:5000"), call);
    await store.tag(layer, originName(layer.digest, "localhost:5000"), call);
  }
  await collectGarbage(store, call);
  assertEquals(await present(store, [...forms, kept.layer, gone.layer]), [true, false, true, false]);
  assertEquals(await listNames(store, "compressed/"), [compressedName("gzip-6", diffIdOf(1))]);
  assertEquals((await listNames(store, "origin/")).length, 2);
});
