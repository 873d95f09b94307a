import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type EngineError, isEngineError } from "../../core/errors.ts";
import {
  assertCode,
  call,
  chunked,
  describe,
  listDigests,
  listNames,
  makeBytes,
  opener,
  putBytes,
  readBlob,
} from "../../tests/conformance/store_tools.ts";
import { makePlace, openAt, type TestPlace } from "../../tests/helpers/local_place.ts";
import { DatabaseSync } from "node:sqlite";

const MIB = 1024 * 1024;

async function failureOf(work: () => Promise<unknown>): Promise<EngineError> {
  try {
    await work();
  } catch (error) {
    assert(isEngineError(error), String(error));
    return error;
  }
  throw new DOMException("it did not fail");
}

Deno.test("openLocalStore() names the file and gives advice when the database is none", async () => {
  await using place = await makePlace();
  await Deno.mkdir(place.root);
  await Deno.writeTextFile(`${place.root}/store.db`, "This is no database. ".repeat(500));
  const error = await failureOf(() => place.open());
  assertEquals(error.code, "OS_FAILED");
  assertStringIncludes(error.message, `${place.root}/store.db`);
  assertMatch(error.hint ?? "", /Restore/);
});

Deno.test("openLocalStore() or its first use fails clearly when the database is cut off", async () => {
  await using place = await makePlace();
  await using store = await place.open();
  const descriptor = await putBytes(store, makeBytes(10));
  for (let i = 0; i < 300; i++) await store.tag(descriptor, `ref/${"x".repeat(200)}${i}`, call);
  await store[Symbol.asyncDispose]();
  await Deno.truncate(`${place.root}/store.db`, 9000);
  const error = await failureOf(async () => {
    await using damaged = await place.open();
    await listNames(damaged, "");
  });
  assertEquals(error.code, "OS_FAILED");
  assertMatch(error.hint ?? "", /Restore/);
});

Deno.test("openLocalStore() rejects when the store is of a newer version", async () => {
  await using place = await makePlace();
  await (await place.open())[Symbol.asyncDispose]();
  const database = new DatabaseSync(`${place.root}/store.db`);
  database.exec("PRAGMA user_version = 2");
  database.close();
  const error = await failureOf(() => place.open());
  assertEquals(error.code, "UNSUPPORTED");
  assertMatch(error.message, /version 2, expected 1/);
});

Deno.test("openLocalStore() rejects when the database is another program's", async () => {
  await using place = await makePlace();
  await Deno.mkdir(place.root);
  const database = new DatabaseSync(`${place.root}/store.db`);
  database.exec("CREATE TABLE names (a); PRAGMA user_version = 1");
  database.close();
  assertEquals((await failureOf(() => place.open())).code, "UNSUPPORTED");
});

Deno.test("openLocalStore() rejects when the path is not absolute or leads to a file", async () => {
  await using place = await makePlace();
  await assertCode("INVALID_ARGUMENT", () => openAt("relative/root"));
  await Deno.writeTextFile(place.root, "");
  await assertCode("OS_FAILED", () => place.open());
});

Deno.test("openLocalStore() leaves the files of an existing store as they are", async () => {
  await using place = await makePlace();
  await (await place.open())[Symbol.asyncDispose]();
  assertEquals(JSON.parse(await Deno.readTextFile(`${place.root}/oci-layout`)), { imageLayoutVersion: "1.0.0" });
  await Deno.remove(`${place.root}/oci-layout`);
  await (await place.open())[Symbol.asyncDispose]();
  assertEquals([...Deno.readDirSync(place.root)].some(({ name }) => name === "oci-layout"), false);
});

Deno.test("local store takes no path from a digest", async () => {
  await using place = await makePlace();
  await using store = await place.open();
  const hostile = { mediaType: "text/plain", digest: "sha256:../../../etc/passwd" as const, size: 10 };
  await assertCode("INVALID_ARGUMENT", () => store.open(hostile, call));
  await assertCode("INVALID_ARGUMENT", () => store.put(hostile, opener(makeBytes(10)), call));
  await assertCode("INVALID_ARGUMENT", () => store.delete(hostile.digest, call));
  assertEquals(await store.has(hostile, call), false);
});

Deno.test("put() rejects when the size of the descriptor is no size", async () => {
  await using place = await makePlace();
  await using store = await place.open();
  const bytes = makeBytes(10);
  for (const size of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
    await assertCode("INVALID_ARGUMENT", () => store.put({ ...describe(bytes), size }, opener(bytes), call));
  }
});

Deno.test("has() and open() miss a blob whose file is gone or cut, and put() mends it", async () => {
  await using place = await makePlace();
  await using store = await place.open();
  const bytes = makeBytes(2000);
  const descriptor = await putBytes(store, bytes);
  const path = store.localPath(descriptor.digest) ?? "";
  await Deno.truncate(path, 1000);
  assertEquals(await store.has(descriptor, call), false);
  await assertCode("NOT_FOUND", () => store.open(descriptor, call));
  await putBytes(store, bytes);
  assertEquals(await readBlob(store, descriptor), bytes);
  await Deno.remove(path);
  assertEquals(await store.has(descriptor, call), false);
  await putBytes(store, bytes);
  assertEquals(await readBlob(store, descriptor), bytes);
});

Deno.test("collect() drops rows without files and files without rows", async () => {
  await using place = await makePlace();
  await using store = await place.open();
  const [lost, kept] = [await putBytes(store, makeBytes(10)), await putBytes(store, makeBytes(20))];
  await Deno.remove(store.localPath(lost.digest) ?? "");
  const stray = store.localPath(describe(makeBytes(30)).digest) ?? "";
  await Deno.writeFile(stray, makeBytes(30));
  await Deno.writeTextFile(`${place.root}/tmp/left`, "left");
  await Deno.writeTextFile(`${place.root}/leases/1-left`, "");
  await listDigests(store.collect(() => Promise.resolve(new Set([lost.digest, kept.digest])), call));
  assertEquals(await listDigests(store.blobs(call)), [kept.digest]);
  assertEquals([...Deno.readDirSync(`${place.root}/blobs/sha256`)].length, 1);
  for (const directory of ["tmp", "leases"]) assertEquals([...Deno.readDirSync(`${place.root}/${directory}`)], []);
});

Deno.test("put() goes on where an interrupted one stopped", async () => {
  await using place = await makePlace();
  const bytes = makeBytes(4 * MIB);
  const offsets: number[] = [];
  await using store = await place.open();
  const failing = (offset = 0): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> => {
    offsets.push(offset);
    let at = offset;
    return Promise.resolve(
      new ReadableStream({
        pull(controller): void {
          if (at >= bytes.length) return controller.close();
          if (at - offset >= 1.5 * MIB) return controller.error(new DOMException("reset"));
          controller.enqueue(bytes.slice(at, at += MIB / 2));
        },
      }),
    );
  };
  await assertCode("OS_FAILED", () => store.put(describe(bytes), failing, call));
  await assertCode("OS_FAILED", () => store.put(describe(bytes), failing, call));
  await store.put(describe(bytes), failing, call);
  assertEquals(offsets, [0, 1.5 * MIB, 3 * MIB]);
  assertEquals(await readBlob(store, describe(bytes)), bytes);
  assertEquals([...Deno.readDirSync(`${place.root}/tmp`)], []);
});

/** Mounts a small file system of its own over the place; undefined where this process may not. */
async function mountSmall(place: TestPlace): Promise<AsyncDisposable | undefined> {
  await Deno.mkdir(place.root);
  const run = async (command: string, ...args: string[]): Promise<boolean> =>
    (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()).success;
  if (!await run("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", place.root)) return undefined;
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      await run("umount", "-l", place.root);
    },
  };
}

Deno.test({
  name: "local store keeps what is named, and leaves nothing else, when the disk is full",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn(): Promise<void> {
    await using place = await makePlace();
    await using mount = await mountSmall(place);
    // Root in a container may still not be allowed to mount.
    if (mount === undefined) return;
    await using store = await place.open();
    const named = await putBytes(store, makeBytes(MIB));
    await store.tag(named, "ref/a", call);
    const large = makeBytes(16 * MIB);
    for (const write of [() => store.ingest(chunked(large, MIB), "text/plain", call), () => putBytes(store, large)]) {
      const error = await failureOf(write);
      assertEquals(error.code, "OS_FAILED");
      assertEquals(error.detail.errno, "ENOSPC");
      assertMatch(error.hint ?? "", /^Free some space/);
      assertEquals([...Deno.readDirSync(`${place.root}/tmp`)], []);
      assertEquals(await listDigests(store.blobs(call)), [named.digest]);
    }
    await fillUp(`${place.root}/filler`);
    // The database may take a few more changes in the room it has.
    let taken = 0;
    const error = await failureOf(async () => {
      for (; taken < 100_000; taken++) await store.tag(named, `ref/${"x".repeat(1000)}${taken}`, call);
    });
    assertEquals([error.code, error.detail.errno], ["OS_FAILED", "ENOSPC"]);
    await failureOf(() => putBytes(store, makeBytes(1000)));
    assertEquals((await listNames(store, "ref/")).length, taken + 1);
    assertEquals(await readBlob(store, named), makeBytes(MIB));
    await Deno.remove(`${place.root}/filler`);
    await store.tag(await putBytes(store, makeBytes(1000)), "ref/b", call);
    assertEquals((await listNames(store, "ref/")).length, taken + 2);
  },
});

Deno.test({
  name: "local store says that the disk is full when not even its database can be read",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn(): Promise<void> {
    await using place = await makePlace();
    await using mount = await mountSmall(place);
    if (mount === undefined) return;
    {
      await using store = await place.open();
      await store.tag(await putBytes(store, makeBytes(10)), "ref/a", call);
    }
    await fillUp(`${place.root}/filler`);
    const error = await failureOf(() => place.open());
    assertEquals([error.code, error.detail.errno], ["OS_FAILED", "ENOSPC"]);
    assertMatch(error.message, /: no space is left on its disk$/);
    await Deno.remove(`${place.root}/filler`);
    await using store = await place.open();
    assertEquals((await listNames(store, "ref/")).length, 1);
  },
});

async function fillUp(path: string): Promise<void> {
  using file = await Deno.create(path);
  const block = new Uint8Array(4096);
  await failureOfPlain(() => {
    while (true) file.writeSync(block);
  });
}

async function failureOfPlain(work: () => void): Promise<void> {
  try {
    await Promise.try(work);
  } catch (error) {
    assert(error instanceof Error && "code" in error && error.code === "ENOSPC", String(error));
  }
}
