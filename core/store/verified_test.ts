import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createMemoryState, createMemoryStore } from "../../tests/helpers/memory_store.ts";
import { makePlace } from "../../tests/helpers/local_place.ts";
import { testStore } from "../../tests/conformance/store.ts";
import {
  assertCode,
  call,
  chunked,
  collectExcept,
  describe,
  makeBytes,
  opener,
  putBytes,
  readBlob,
} from "../../tests/conformance/store_tools.ts";
import type { ContentSource, Descriptor, Store } from "../contract/mod.ts";
import { isEngineError } from "../errors.ts";
import { MediaType } from "../oci/media_type.ts";
import { verifiedSource, verifiedStore } from "./verified.ts";

const MIB = 1024 * 1024;

testStore("verified store", () => {
  const state = createMemoryState();
  return Promise.resolve({
    open: () => Promise.resolve(verifiedStore(createMemoryStore(state))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

function sourceOf(bytes: Uint8Array<ArrayBuffer>): ContentSource {
  return {
    async *names(): AsyncGenerator<never> {},
    resolve: () => Promise.resolve(undefined),
    open: (_descriptor, _call, offset) => opener(bytes)(offset),
  };
}

async function readSource(source: ContentSource, descriptor: Descriptor, offset?: number): Promise<Uint8Array> {
  return new Uint8Array(await new Response(await source.open(descriptor, call, offset)).arrayBuffer());
}

for (const size of [1000, 2 * MIB]) {
  const right = makeBytes(size);
  Deno.test(`verifiedSource() gives ${size} bytes when they are right`, async () => {
    const source = verifiedSource(sourceOf(right));
    assertEquals(await readSource(source, describe(right)), right);
    assertEquals(await readSource(source, describe(right), size - 10), right.slice(size - 10));
  });
  const wrong: readonly [string, Uint8Array<ArrayBuffer>][] = [
    ["changed", makeBytes(size, 3)],
    ["cut", right.slice(1)],
    ["longer", new Uint8Array([...right, 0])],
  ];
  for (const [how, bytes] of wrong) {
    Deno.test(`verifiedSource() fails when ${size} bytes come ${how}`, async () => {
      await assertCode("CONTENT_MISMATCH", () => readSource(verifiedSource(sourceOf(bytes)), describe(right)));
    });
  }
  Deno.test(`verifiedSource() fails at an offset when ${size} bytes come cut`, async () => {
    const source = verifiedSource(sourceOf(right.slice(0, -1)));
    await assertCode("CONTENT_MISMATCH", () => readSource(source, describe(right), 100));
  });
}

for (const size of [1000, 2 * MIB]) {
  Deno.test(`verifiedStore() names the blob and its file when ${size} bytes were changed on disk`, async () => {
    await using place = await makePlace();
    await using store = verifiedStore(await place.open());
    const descriptor = await putBytes(store, makeBytes(size));
    const path = store.localPath(descriptor.digest) ?? "";
    await Deno.writeFile(path, makeBytes(size, 4));
    for (const offset of [0, 10]) {
      try {
        await readBlob(store, descriptor, offset);
        assert(false, "damaged bytes were given");
      } catch (error) {
        assert(isEngineError(error), String(error));
        assertEquals(error.code, "CONTENT_MISMATCH");
        assertStringIncludes(error.message, descriptor.digest);
        assertStringIncludes(error.hint ?? "", path);
      }
    }
    await Deno.remove(path);
    await putBytes(store, makeBytes(size));
    assertEquals(await readBlob(store, descriptor), makeBytes(size));
  });
}

Deno.test("verifiedStore() checks a blob once when it is opened at offsets", async () => {
  const state = createMemoryState();
  const descriptor = await putBytes(createMemoryStore(state), makeBytes(2 * MIB));
  const opened: (number | undefined)[] = [];
  const memory = createMemoryStore(state);
  const counting: Store = Object.create(memory, {
    open: {
      value: (blob: Descriptor, _call: unknown, offset?: number) => {
        opened.push(offset ?? 0);
        return memory.open(blob, call, offset);
      },
    },
    localPath: { value: () => undefined },
  });
  const store = verifiedStore(counting);
  await Promise.all([readBlob(store, descriptor, 10), readBlob(store, descriptor, 20)]);
  await readBlob(store, descriptor, 30);
  assertEquals(opened.toSorted((a, b) => (a ?? 0) - (b ?? 0)), [0, 10, 20, 30]);
});

/** Puts a manifest with one layer; gives the descriptors. */
async function putImage(
  store: Store,
  seed: number,
): Promise<{ manifest: Descriptor; config: Descriptor; layer: Descriptor }> {
  const layer = { ...await store.ingest(chunked(makeBytes(100, seed)), MediaType.layer, call) };
  const rootfs = { type: "layers", diff_ids: [layer.digest] };
  const config = await putJson(store, MediaType.config, { architecture: "amd64", os: "linux", rootfs });
  const manifest = await putJson(store, MediaType.manifest, {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config,
    layers: [layer],
  });
  return { manifest, config, layer };
}

async function putJson(store: Store, mediaType: string, value: unknown): Promise<Descriptor> {
  return await store.ingest(chunked(new TextEncoder().encode(JSON.stringify(value))), mediaType, call);
}

Deno.test("verifiedStore() names no image when a part of it is missing", async () => {
  const store = verifiedStore(createMemoryStore());
  const { manifest, layer } = await putImage(store, 1);
  const index = await putJson(store, MediaType.index, { schemaVersion: 2, manifests: [manifest] });
  await store.tag(index, "ref/a", call);
  await store.delete(layer.digest, call);
  await assertCode("NOT_FOUND", () => store.tag(manifest, "ref/b", call));
  await assertCode("NOT_FOUND", () => store.tag(index, "ref/b", call));
  await store.delete(manifest.digest, call);
  await store.tag(index, "ref/c", call);
  assertEquals(await store.resolve("ref/b", call), undefined);
});

Deno.test("verifiedStore() keeps an image whole when it is named while a collection marks", async () => {
  const state = createMemoryState();
  const store = verifiedStore(createMemoryStore(state));
  const { manifest, config, layer } = await putImage(store, 1);
  const other = verifiedStore(createMemoryStore(state));
  const mark = async (): Promise<ReadonlySet<never>> => {
    await other.tag(manifest, "ref/a", call);
    return new Set();
  };
  for await (const blob of store.collect(mark, call)) assert(false, `${blob.digest} was removed`);
  for (const part of [manifest, config, layer]) assert(await store.has(part, call));
  assertEquals((await collectExcept(store)).length, 3);
});
