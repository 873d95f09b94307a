/** The store plugin for S3 against a real server. */
import { assert, assertEquals } from "@std/assert";
import type { OpenContent, Store } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import storeS3 from "../../examples/plugins/store_s3.ts";
import { testStore } from "../conformance/store.ts";
import {
  assertCode,
  call,
  collectExcept,
  describe,
  listNames,
  makeBytes,
  putBytes,
  readBlob,
} from "../conformance/store_tools.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { createTestHost } from "../helpers/test_host.ts";
import { type S3Server, startS3 } from "../helpers/s3_server.ts";

const ignore = isMissing(peers.versitygw);

async function openStore(server: S3Server, options: Readonly<Record<string, unknown>> = {}): Promise<Store> {
  for (const [name, value] of Object.entries(server.env)) Deno.env.set(name, value);
  const { endpoint, bucket } = server;
  const plugin = await storeS3({ ...createTestHost(), config: { endpoint, bucket, ...options } });
  const [hook] = plugin.store ?? [];
  if (hook === undefined) throw new TypeError("it has no store hook");
  return await hook.open("/", call);
}

testStore("s3 store", async () => {
  const server = await startS3();
  return { open: () => openStore(server), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}, (name, fn) => Deno.test({ name, ignore, fn }));

const MIB = 1024 * 1024;

function s3Test(name: string, work: (server: S3Server) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn(): Promise<void> {
      await using server = await startS3();
      await work(server);
    },
  });
}

/** Opens bytes at offsets, which are noted; the stream fails after `cut` bytes of the whole. */
function source(bytes: Uint8Array<ArrayBuffer>, offsets: number[], cut = Infinity): OpenContent {
  return (offset = 0) => {
    offsets.push(offset);
    let at = offset;
    return Promise.resolve(
      new ReadableStream({
        pull(controller): void {
          if (at >= cut) return controller.error(new EngineError("NETWORK_FAILED", "Cannot read: it was cut"));
          if (at >= bytes.length) return controller.close();
          controller.enqueue(bytes.slice(at, at += MIB));
        },
      }),
    );
  };
}

s3Test("put() of a large blob goes on where a process that died has stopped, and checks the whole", async (server) => {
  const bytes = makeBytes(23 * MIB + 5);
  const descriptor = describe(bytes);
  for (const [first, expected] of [[bytes, [15 * MIB]], [makeBytes(23 * MIB + 5, 7), [15 * MIB, 0]]] as const) {
    await using dying = await openStore(server, { partMiB: 5 });
    await assertCode("NETWORK_FAILED", () => dying.put(descriptor, source(first, [], 16 * MIB), call));
    await using other = await openStore(server, { partMiB: 5, idleSeconds: 0 });
    const offsets: number[] = [];
    await other.put(descriptor, source(bytes, offsets), call);
    assertEquals<readonly number[]>(offsets, expected);
    assertEquals(await readBlob(other, descriptor), bytes);
    assert(await other.delete(descriptor.digest, call));
  }
});

s3Test(
  "put() of a large blob does not touch an upload that another process may be at, and may start at any size",
  async (server) => {
    await using one = await openStore(server, { partMiB: 5 });
    await using two = await openStore(server, { partMiB: 5 });
    for (const size of [5 * MIB, 10 * MIB, 10 * MIB + 1, 15 * MIB - 1]) {
      const bytes = makeBytes(size, size);
      const descriptor = describe(bytes);
      await assertCode("NETWORK_FAILED", () => one.put(descriptor, source(bytes, [], 5 * MIB), call));
      const offsets: number[] = [];
      await two.put(descriptor, source(bytes, offsets), call);
      assertEquals(offsets, [0]);
      assertEquals(await readBlob(two, descriptor), bytes);
      assertEquals(await readBlob(two, descriptor, size - 3), bytes.slice(-3));
      await assertCode("CONTENT_MISMATCH", () => two.put(describe(makeBytes(size, 3)), source(bytes, []), call));
      const ingested = await two.ingest(await source(makeBytes(size, 9), [])(), "a/b", call);
      assertEquals(ingested.digest, describe(makeBytes(size, 9)).digest);
    }
  },
);

s3Test(
  "changes of many processes at once are all kept, and read from a state that was written on the way",
  async (server) => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(server)));
    const descriptor = await putBytes(stores[0] ?? await openStore(server), makeBytes(10));
    await Promise.all(stores.map(async (store, i) => {
      for (let n = 0; n < 40; n++) await store.tag(descriptor, `ref/${i}/${n}`, call);
    }));
    const states = await Array.fromAsync(Deno.readDir(`${server.folder}/state`));
    assert(states.length > 0);
    await using fresh = await openStore(server);
    assertEquals((await listNames(fresh, "ref/")).length, 160);
    for (const store of stores) {
      assertEquals((await listNames(store, "ref/")).length, 160);
      await store[Symbol.asyncDispose]();
    }
  },
);

s3Test(
  "a process that was taken for dead cannot name what it had found, and can go on under another lease",
  async (server) => {
    await using asleep = await openStore(server);
    await using other = await openStore(server);
    const descriptor = await putBytes(other, makeBytes(10));
    const lease = await asleep.lease(call);
    assert(await asleep.has(descriptor, call));
    assertEquals(await collectExcept(other), []);
    // As if nothing had been heard of it for long.
    await Deno.remove(`${server.folder}/leases`, { recursive: true });
    assertEquals(await collectExcept(other), [descriptor.digest]);
    await assertCode("CONFLICT", () => asleep.tag(descriptor, "a", call));
    await lease[Symbol.asyncDispose]();
    await using _lease = await asleep.lease(call);
    assert(!await asleep.has(descriptor, call));
    await putBytes(asleep, makeBytes(10));
    await asleep.tag(descriptor, "a", call);
    assertEquals(await collectExcept(other), []);
  },
);

s3Test("a collection of a process that died gives way, one of a living process does not", async (server) => {
  await using one = await openStore(server);
  await using other = await openStore(server);
  const marking = Promise.withResolvers<ReadonlySet<never>>();
  const started = Promise.withResolvers<void>();
  const first = Array.fromAsync(one.collect(() => {
    started.resolve();
    return marking.promise;
  }, call));
  await started.promise;
  await assertCode("CONFLICT", () => collectExcept(other));
  await Deno.remove(`${server.folder}/leases`, { recursive: true });
  const descriptor = await putBytes(other, makeBytes(10));
  assertEquals(await collectExcept(other), [descriptor.digest]);
  marking.resolve(new Set());
  await assertCode("CONFLICT", () => first);
});

s3Test("a blob whose object was lost is written again", async (server) => {
  await using store = await openStore(server);
  const bytes = makeBytes(1000);
  const descriptor = await putBytes(store, bytes);
  await store.tag(descriptor, "a", call);
  for (const lose of ["found by has()", "found by open()", "found by collect()"]) {
    await Deno.remove(`${server.folder}/blobs`, { recursive: true });
    await using _lease = await store.lease(call);
    if (lose === "found by open()") await assertCode("NOT_FOUND", () => store.open(descriptor, call));
    if (lose === "found by collect()") await collectExcept(store, [descriptor]);
    assert(!await store.has(descriptor, call), lose);
    await putBytes(store, bytes);
    assertEquals(await readBlob(store, descriptor), bytes);
  }
});

s3Test("places below one prefix, and beside it, do not see each other", async (server) => {
  await using one = await openStore(server, { prefix: "team/a" });
  await using two = await openStore(server, { prefix: "team/b" });
  await using same = await openStore(server, { prefix: "/team//a/" });
  const descriptor = await putBytes(one, makeBytes(10));
  await one.tag(descriptor, "x", call);
  assertEquals([await listNames(two, ""), await listNames(same, "")], [[], ["x"]]);
  assertEquals(await collectExcept(two), []);
  assert(await same.has(descriptor, call));
  for (const prefix of ["a b", "a?b", "../x", "a/./b", "ü"]) {
    await assertCode("INVALID_ARGUMENT", () => openStore(server, { prefix }));
  }
});
