import { assert, assertEquals } from "@std/assert";
import type { ByteStream, Call } from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import type { RegisterStoreTest } from "./store_place.ts";
import {
  assertCode,
  call,
  chunked,
  describe,
  listDigests,
  makeBytes,
  opener,
  putBytes,
  readBlob,
} from "./store_tools.ts";

const MIB = 1024 * 1024;

/** Sizes around those at which an implementation may change its ways. */
const sizes = [0, 1, 511, 64 * 1024, 256 * 1024, 256 * 1024 + 1, MIB, MIB + 1, 3 * MIB + 7];

/** Tests of reading and writing bytes. */
export function testStoreContent(test: RegisterStoreTest): void {
  testReading(test);
  testWriting(test);
  testWrongContent(test);
  testInterruption(test);
  testResuming(test);
}

function testReading(test: RegisterStoreTest): void {
  test("open() gives what ingest() took when sizes vary", async (store) => {
    for (const size of sizes) {
      const bytes = makeBytes(size, size + 1);
      const descriptor = await store.ingest(chunked(bytes), "text/plain", call);
      assertEquals(descriptor, { ...describe(bytes), mediaType: "text/plain" });
      assert(await store.has(descriptor, call));
      assertEquals(await readBlob(store, descriptor), bytes);
    }
  });
  test("open() gives the rest when an offset is given", async (store) => {
    const bytes = makeBytes(2 * MIB + 3);
    const descriptor = await putBytes(store, bytes);
    for (const offset of [0, 1, MIB, 2 * MIB + 2, 2 * MIB + 3]) {
      assertEquals(await readBlob(store, descriptor, offset), bytes.slice(offset));
    }
  });
  test("open() rejects when the offset lies outside the blob", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    await assertCode("INVALID_ARGUMENT", () => store.open(descriptor, call, 11));
    await assertCode("INVALID_ARGUMENT", () => store.open(descriptor, call, -1));
  });
  test("open() rejects when the blob is unknown", async (store) => {
    await assertCode("NOT_FOUND", () => store.open(describe(makeBytes(5)), call));
  });
  test("open() gives a stream that can be left early", async (store) => {
    const stream = await store.open(await putBytes(store, makeBytes(3 * MIB)), call);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
  });
  test("has() tells the blob from one with another size", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    assert(await store.has(descriptor, call));
    assert(!await store.has({ ...descriptor, size: 11 }, call));
    assert(!await store.has(describe(makeBytes(11)), call));
  });
  test("localPath() names a file with the bytes where there is one", async (store) => {
    const bytes = makeBytes(1000);
    const path = store.localPath((await putBytes(store, bytes)).digest);
    if (path !== undefined) assertEquals(await Deno.readFile(path), bytes);
  });
}

function testWriting(test: RegisterStoreTest): void {
  test("put() keeps the bytes when sizes vary", async (store) => {
    for (const size of sizes) {
      const bytes = makeBytes(size, size + 2);
      assertEquals(await readBlob(store, await putBytes(store, bytes)), bytes);
    }
  });
  test("put() takes sha512 digests", async (store) => {
    for (const size of [10, MIB]) {
      const bytes = makeBytes(size);
      const descriptor = describe(bytes, "sha512");
      await store.put(descriptor, opener(bytes), call);
      assertEquals(await readBlob(store, descriptor), bytes);
    }
  });
  test("put() does not open the source when the blob is there", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    await store.put(descriptor, () => Promise.reject(new EngineError("INTERNAL", "opened")), call);
  });
  test("put() succeeds for both when two write one blob at once", async (store, place) => {
    await using other = await place.open();
    for (const size of [1000, 2 * MIB]) {
      const bytes = makeBytes(size, size);
      const [descriptor] = await Promise.all([putBytes(store, bytes), putBytes(other, bytes), putBytes(store, bytes)]);
      assertEquals(await readBlob(store, descriptor), bytes);
      assertEquals(await readBlob(other, descriptor), bytes);
    }
  });
  test("ingest() succeeds when the blob is there", async (store) => {
    const bytes = makeBytes(MIB);
    const first = await store.ingest(chunked(bytes), "text/plain", call);
    assertEquals(await store.ingest(chunked(bytes), "text/plain", call), first);
    assertEquals(await listDigests(store.blobs(call)), [first.digest]);
  });
  test("ingest() takes chunks of any size", async (store) => {
    const bytes = makeBytes(MIB);
    for (const chunkSize of [7, 4096, 300 * 1024, 2 * MIB]) {
      const descriptor = await store.ingest(chunked(bytes.slice(0, 1000 * chunkSize), chunkSize), "text/plain", call);
      assertEquals(descriptor.digest, describe(bytes.subarray(0, 1000 * chunkSize)).digest);
    }
  });
  test("blobs() gives every blob with its size", async (store) => {
    const descriptors = [await putBytes(store, makeBytes(10)), await putBytes(store, makeBytes(20))];
    const found = new Map<string, number>();
    for await (const { digest, size } of store.blobs(call)) found.set(digest, size);
    assertEquals(found, new Map(descriptors.map(({ digest, size }) => [digest, size])));
  });
  test("delete() removes the blob", async (store) => {
    const descriptor = await putBytes(store, makeBytes(10));
    assert(await store.delete(descriptor.digest, call));
    assert(!await store.has(descriptor, call));
    assert(!await store.delete(descriptor.digest, call));
  });
}

function testWrongContent(test: RegisterStoreTest): void {
  for (const size of [100, 2 * MIB]) {
    const bytes = makeBytes(size);
    const wrong: readonly [string, Uint8Array<ArrayBuffer>][] = [
      ["other bytes", makeBytes(size, 9)],
      ["fewer bytes", bytes.slice(1)],
      ["more bytes", new Uint8Array([...bytes, 1])],
      ["no bytes", new Uint8Array()],
    ];
    for (const [what, content] of wrong) {
      test(`put() rejects and keeps nothing when ${size} bytes are expected and ${what} come`, async (store) => {
        await assertCode("CONTENT_MISMATCH", () => store.put(describe(bytes), opener(content), call));
        assertEquals(await listDigests(store.blobs(call)), []);
        assert(!await store.has(describe(bytes), call));
        assertEquals(await readBlob(store, await putBytes(store, bytes)), bytes);
      });
    }
  }
  test("put() stops reading when more bytes come than expected", async (store) => {
    let isCanceled = false;
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
      cancel(): void {
        isCanceled = true;
      },
    });
    const descriptor = describe(makeBytes(MIB));
    await assertCode("CONTENT_MISMATCH", () => store.put(descriptor, () => Promise.resolve(endless), call));
    assert(isCanceled);
  });
}

/** A stream that gives some bytes and then waits for ever. */
function stalled(bytes: Uint8Array<ArrayBuffer>, onWait: () => void): ByteStream {
  let isGiven = false;
  return new ReadableStream({
    pull(controller): Promise<void> | void {
      if (!isGiven) {
        isGiven = true;
        return controller.enqueue(bytes);
      }
      onWait();
      return new Promise<void>(() => {});
    },
  });
}

function testInterruption(test: RegisterStoreTest): void {
  for (const size of [100, 2 * MIB]) {
    test(`put() rejects and leaves no blob when it is aborted after ${size} bytes`, async (store) => {
      const abort = new AbortController();
      const stream = stalled(makeBytes(size), () => abort.abort());
      const aborted: Call = { signal: abort.signal, emit: () => {} };
      const descriptor = describe(makeBytes(3 * MIB));
      await assertCode("CANCELED", () => store.put(descriptor, () => Promise.resolve(stream), aborted));
      assertEquals(await listDigests(store.blobs(call)), []);
      assert(!await store.has(descriptor, call));
    });
    test(`ingest() rejects and leaves no blob when it is aborted after ${size} bytes`, async (store) => {
      const abort = new AbortController();
      const stream = stalled(makeBytes(size), () => abort.abort());
      await assertCode("CANCELED", () => store.ingest(stream, "text/plain", { signal: abort.signal, emit: () => {} }));
      assertEquals(await listDigests(store.blobs(call)), []);
    });
  }
  test("put() writes the blob when an earlier source failed halfway", async (store) => {
    const bytes = makeBytes(3 * MIB);
    const descriptor = describe(bytes);
    await assertCode(
      "NETWORK_FAILED",
      () => store.put(descriptor, () => Promise.resolve(failing(bytes, 2 * MIB)), call),
    );
    assert(!await store.has(descriptor, call));
    await store.put(descriptor, opener(bytes), call);
    assertEquals(await readBlob(store, descriptor), bytes);
  });
  test("every method rejects when the signal has aborted", async (store) => {
    const aborted: Call = { signal: AbortSignal.abort(), emit: () => {} };
    const descriptor = await putBytes(store, makeBytes(10));
    await assertCode("CANCELED", () => store.open(descriptor, aborted));
    await assertCode("CANCELED", () => store.tag(descriptor, "x", aborted));
    await assertCode("CANCELED", () => store.put(describe(makeBytes(11)), opener(makeBytes(11)), aborted));
    assertEquals(await store.resolve("x", call), undefined);
  });
}

/** A stream that fails after some of the bytes. */
function failing(bytes: Uint8Array<ArrayBuffer>, size: number): ByteStream {
  let at = 0;
  return new ReadableStream({
    pull(controller): void {
      if (at >= size) {
        return controller.error(new EngineError("NETWORK_FAILED", "Cannot read: the connection was reset"));
      }
      controller.enqueue(bytes.slice(at, at += 256 * 1024));
    },
  });
}

function testResuming(test: RegisterStoreTest): void {
  const bytes = makeBytes(4 * MIB);
  const descriptor = describe(bytes);
  test("put() keeps the right bytes when the source cannot start at an offset", async (store) => {
    await assertCode(
      "NETWORK_FAILED",
      () => store.put(descriptor, () => Promise.resolve(failing(bytes, 3 * MIB)), call),
    );
    const open = (offset = 0): Promise<ByteStream> => {
      if (offset > 0) return Promise.reject(new EngineError("UNSUPPORTED", "Cannot start there"));
      return Promise.resolve(chunked(bytes));
    };
    await store.put(descriptor, open, call);
    assertEquals(await readBlob(store, descriptor), bytes);
  });
  test("put() keeps the right bytes when what was left is wrong", async (store) => {
    const wrong = makeBytes(4 * MIB, 5);
    await assertCode(
      "NETWORK_FAILED",
      () => store.put(descriptor, () => Promise.resolve(failing(wrong, 3 * MIB)), call),
    );
    await store.put(descriptor, opener(bytes), call);
    assertEquals(await readBlob(store, descriptor), bytes);
  });
  test("put() rejects when what was left and what comes are both wrong", async (store) => {
    const wrong = makeBytes(4 * MIB, 5);
    await assertCode(
      "NETWORK_FAILED",
      () => store.put(descriptor, () => Promise.resolve(failing(wrong, 3 * MIB)), call),
    );
    await assertCode("CONTENT_MISMATCH", () => store.put(descriptor, opener(wrong), call));
    assertEquals(await listDigests(store.blobs(call)), []);
  });
}
