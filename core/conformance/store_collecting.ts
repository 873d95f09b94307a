import { assert, assertEquals } from "@std/assert";
import { EngineError } from "../errors.ts";
import type { RegisterStoreTest } from "./store_place.ts";
import {
  assertCode,
  call,
  chunked,
  collectExcept,
  describe,
  listDigests,
  makeBytes,
  opener,
  putBytes,
  readBlob,
} from "./store_tools.ts";

/** Tests of leases and collections. */
export function testStoreCollecting(test: RegisterStoreTest): void {
  testCollections(test);
  testLeases(test);
}

function testCollections(test: RegisterStoreTest): void {
  test("collect() removes what is not marked and reports it", async (store) => {
    const [kept, gone] = [await putBytes(store, makeBytes(10)), await putBytes(store, makeBytes(20))];
    assertEquals(await collectExcept(store, [kept]), [gone.digest]);
    assertEquals(await listDigests(store.blobs(call)), [kept.digest]);
    assert(!await store.has(gone, call));
    assertEquals(await readBlob(store, kept), makeBytes(10));
  });
  test("collect() reports sizes and removes many", async (store) => {
    const count = 450;
    for (let size = 1; size <= count; size++) await putBytes(store, makeBytes(size));
    let bytes = 0;
    for await (const blob of store.collect(() => Promise.resolve(new Set()), call)) bytes += blob.size;
    assertEquals(bytes, count * (count + 1) / 2);
    assertEquals(await listDigests(store.blobs(call)), []);
  });
  test("collect() lets a removed blob be written again", async (store) => {
    const bytes = makeBytes(10);
    await putBytes(store, bytes);
    await collectExcept(store);
    assertEquals(await readBlob(store, await putBytes(store, bytes)), bytes);
  });
  test("collect() asks for the marks once and rejects as they do", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    let asked = 0;
    const mark = (): Promise<never> => {
      asked++;
      return Promise.reject(new EngineError("CONTENT_MISMATCH", "Cannot mark"));
    };
    await assertCode("CONTENT_MISMATCH", () => listDigests(store.collect(mark, call)));
    assertEquals(asked, 1);
    assert(await store.has(descriptor, call));
    assertEquals(await collectExcept(store), [descriptor.digest]);
  });
  test("collect() rejects while another one is under way", async (store, place) => {
    await using other = await place.open();
    const mark = async (): Promise<ReadonlySet<never>> => {
      await assertCode("CONFLICT", () => collectExcept(other));
      await assertCode("CONFLICT", () => collectExcept(store));
      return new Set();
    };
    await listDigests(store.collect(mark, call));
    assertEquals(await collectExcept(other), []);
  });
  test("collect() can be left early and run again", async (store) => {
    const descriptors = [await putBytes(store, makeBytes(10)), await putBytes(store, makeBytes(20))];
    for await (const _blob of store.collect(() => Promise.resolve(new Set()), call)) break;
    await collectExcept(store);
    for (const descriptor of descriptors) assert(!await store.has(descriptor, call));
  });
  test("collect() keeps what is written while it marks", async (store, place) => {
    await using other = await place.open();
    const bytes = makeBytes(10);
    const mark = async (): Promise<ReadonlySet<never>> => {
      await putBytes(other, bytes);
      return new Set();
    };
    assertEquals(await listDigests(store.collect(mark, call)), []);
    assert(await store.has(describe(bytes), call));
  });
}

function testLeases(test: RegisterStoreTest): void {
  test("collect() keeps what was written, found or opened under a lease", async (store, place) => {
    await using other = await place.open();
    const [found, opened, idle] = [
      await putBytes(store, makeBytes(10)),
      await putBytes(store, makeBytes(20)),
      await putBytes(store, makeBytes(30)),
    ];
    const lease = await store.lease(call);
    const written = await putBytes(store, makeBytes(40));
    const taken = await store.ingest(chunked(makeBytes(50)), "text/plain", call);
    assert(await store.has(found, call));
    await readBlob(store, opened);
    assertEquals(await collectExcept(other), [idle.digest]);
    assertEquals(await collectExcept(store), []);
    await lease[Symbol.asyncDispose]();
    const all = [found, opened, written, taken].map(({ digest }) => digest).sort();
    assertEquals(await collectExcept(other), all);
  });
  test("collect() keeps what put() and ingest() found present under a lease", async (store) => {
    const bytes = makeBytes(10);
    const large = makeBytes(1024 * 1024);
    const descriptors = [await putBytes(store, bytes), await putBytes(store, large)];
    await using _lease = await store.lease(call);
    await store.put(describe(bytes), opener(bytes), call);
    await store.ingest(chunked(large), "text/plain", call);
    assertEquals(await collectExcept(store), []);
    for (const descriptor of descriptors) assert(await store.has(descriptor, call));
  });
  test("collect() keeps what a lease protects while others end", async (store) => {
    const first = await store.lease(call);
    const descriptor = await putBytes(store, makeBytes(10));
    const second = await store.lease(call);
    assert(await store.has(descriptor, call));
    await first[Symbol.asyncDispose]();
    assertEquals(await collectExcept(store), []);
    await second[Symbol.asyncDispose]();
    assertEquals(await collectExcept(store), [descriptor.digest]);
  });
  test("collect() keeps nothing for a store that was closed with its lease", async (store, place) => {
    const other = await place.open();
    await other.lease(call);
    const descriptor = await putBytes(other, makeBytes(10));
    await other[Symbol.asyncDispose]();
    assertEquals(await collectExcept(store), [descriptor.digest]);
  });
  test("collect() keeps what is found under a lease taken while it marks", async (store, place) => {
    await using other = await place.open();
    const descriptor = await putBytes(store, makeBytes(10));
    const leases = new AsyncDisposableStack();
    const mark = async (): Promise<ReadonlySet<never>> => {
      leases.use(await other.lease(call));
      assert(await other.has(descriptor, call));
      return new Set();
    };
    assertEquals(await listDigests(store.collect(mark, call)), []);
    await leases.disposeAsync();
  });
  test("a lease may be ended twice", async (store) => {
    const lease = await store.lease(call);
    await lease[Symbol.asyncDispose]();
    await lease[Symbol.asyncDispose]();
  });
}
