import { assert, assertEquals, assertGreater } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "../../core/contract/mod.ts";
import { collectGarbage } from "../../core/store/collect.ts";
import { verifiedStore } from "../../core/store/verified.ts";
import { call, collectExcept, makeBytes, putBytes, readBlob } from "../../tests/conformance/store_tools.ts";
import { makePlace, openAt, type TestPlace } from "../../tests/helpers/local_place.ts";

const worker = new URL("../../tests/helpers/store_worker.ts", import.meta.url).pathname;

/** A worker process under way. */
interface Running extends AsyncDisposable {
  readonly process: Deno.ChildProcess;
  /** Waits until it has taken so many more steps. */
  steps(count: number): Promise<void>;
  /** Kills it at once, as a power switch would, and waits for its end. */
  kill(): Promise<void>;
}

async function start(place: TestPlace, ...args: string[]): Promise<Running> {
  const [role = "", ...rest] = args;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", worker, role, place.root, ...rest],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.getReader();
  const steps = async (count: number): Promise<void> => {
    for (let seen = 0; seen < count;) {
      const { done, value } = await reader.read();
      assert(!done, "the worker ended before it was to");
      seen += value.filter((byte) => byte === 10).length;
    }
  };
  const kill = async (): Promise<void> => {
    try {
      process.kill("SIGKILL");
    } catch (error) {
      // It may have ended by itself.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
    await process.status;
    await reader.cancel();
  };
  await steps(1);
  return { process, steps, kill, [Symbol.asyncDispose]: kill };
}

/** Fails unless every name leads to bytes that are all there and right. Gives how many names there are. */
async function checkNames(store: Store): Promise<number> {
  let count = 0;
  for await (const { descriptor } of store.names("", call)) {
    assertEquals((await readBlob(store, descriptor)).length, descriptor.size);
    count++;
  }
  return count;
}

/** Fails when something lies in the store that no row accounts for. */
async function checkLeftovers(place: TestPlace, store: Store): Promise<void> {
  const noted = new Set<string>();
  for await (const { digest } of store.blobs(call)) noted.add(digest.slice("sha256:".length));
  const files = [...Deno.readDirSync(`${place.root}/blobs/sha256`)].map(({ name }) => name);
  assertEquals(new Set(files), noted);
  for (const directory of ["tmp", "leases"]) assertEquals([...Deno.readDirSync(`${place.root}/${directory}`)], []);
}

Deno.test("openLocalStore() waits when another process is making the database", async () => {
  await using place = await makePlace();
  await Deno.mkdir(place.root);
  const maker = new DatabaseSync(`${place.root}/store.db`);
  maker.exec("BEGIN IMMEDIATE");
  using changes = Deno.watchFs(place.root);
  const starting = start(place, "writer", "1", "1");
  // The layout is made right before the tables are.
  for await (const { paths } of changes) if (paths.some((path) => path.endsWith("/oci-layout"))) break;
  maker.exec("COMMIT");
  maker.close();
  await using writer = await starting;
  assertEquals((await writer.process.status).code, 0);
});

Deno.test("local store keeps every name whole when its writers are killed at any moment", async () => {
  await using place = await makePlace();
  for (let round = 0; round < 12; round++) {
    await using running = await start(place, "writer", String(round));
    // The signal arrives somewhere in the step after the last one seen, so that every kind of step is hit.
    await running.steps(round);
    await running.kill();
  }
  await using store = verifiedStore(await place.open());
  assertGreater(await checkNames(store), 0);
  await collectGarbage(store, call);
  await checkNames(store);
  await checkLeftovers(place, store);
  await store.tag(await putBytes(store, makeBytes(10)), "ref/after", call);
  assert(await store.resolve("ref/after", call) !== undefined);
});

Deno.test("local store loses nothing named when two writers and a collector work at once and are killed", async () => {
  await using place = await makePlace();
  await using first = await start(place, "writer", "1");
  await using second = await start(place, "writer", "2");
  await using collector = await start(place, "collector");
  await using store = verifiedStore(await place.open());
  for (let round = 0; round < 10; round++) {
    await collector.steps(1);
    await checkNamesWhileChanging(store);
  }
  await Promise.all([first.kill(), second.kill(), collector.kill()]);
  assertGreater(await checkNames(store), 0);
  await collectGarbage(store, call);
  await checkNames(store);
  await checkLeftovers(place, store);
});

/** As `checkNames`, for names that other processes take away meanwhile. */
async function checkNamesWhileChanging(store: Store): Promise<void> {
  await using _lease = await store.lease(call);
  for await (const { name, descriptor } of store.names("", call)) {
    if (await store.has(descriptor, call)) await readBlob(store, descriptor);
    else assertEquals(await store.resolve(name, call), undefined);
  }
}

Deno.test("local store frees a lease when its process is killed, even while a child of it lives", async () => {
  await using place = await makePlace();
  await using store = await place.open();
  await using running = await start(place, "lease");
  assertEquals(await collectExcept(store), []);
  await running.kill();
  assertEquals((await collectExcept(store)).length, 1);
  assertEquals([...Deno.readDirSync(`${place.root}/leases`)], []);
});

Deno.test("local store frees the collection lock when the collector is killed", async () => {
  await using place = await makePlace();
  await using store = await place.open();
  await using running = await start(place, "collector");
  await running.kill();
  assertEquals(await collectExcept(store), []);
});

Deno.test("openLocalStore() makes one store when several processes open it at once", async () => {
  await using place = await makePlace();
  const running = await Promise.all([1, 2, 3, 4].map((seed) => start(place, "writer", String(seed), "2")));
  for (const { process } of running) assertEquals((await process.status).code, 0);
  for (const { kill } of running) await kill();
  await using store = verifiedStore(await openAt(place.root));
  assertEquals(await checkNames(store), 4 * 2);
});
