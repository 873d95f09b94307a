import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { makeMount, takeMount } from "../../tests/helpers/cache_mount.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import type { EngineError } from "../errors.ts";
import type { MountInfo } from "../snapshot/mount_store.ts";
import { listCache } from "./cache_list.ts";
import { findMounts } from "./cache_mount.ts";
import { pruneCache } from "./cache_prune.ts";
import { diskUsage } from "./disk_usage.ts";
import { resetStore } from "./reset.ts";

const call = testCall();

/** An engine whose clock can be set. */
async function openEngine(): Promise<{ engine: Awaited<ReturnType<typeof createTempEngine>>; at(day: number): void }> {
  let now = new Date("2024-01-01T00:00:00Z");
  const engine = await createTempEngine({ clock: () => now });
  return { engine, at: (day) => now = new Date(Date.UTC(2024, 0, day)) };
}

Deno.test("listCache() gives cache mounts with sizes and times, those used last first", async () => {
  const { engine: opened, at } = await openEngine();
  await using engine = opened;
  await makeMount(engine, "npm", { files: { "a/b": "12345" } });
  at(2);
  using _lease = await takeMount(engine, "go");
  const { rows, mounts } = await listCache(engine, call);
  assertEquals(rows, []);
  assertEquals(mounts.map(({ name: _, ...rest }) => rest), [
    { id: "go", created: new Date("2024-01-02"), lastUsed: new Date("2024-01-02"), size: 2, inUse: true },
    { id: "npm", created: new Date("2024-01-01"), lastUsed: new Date("2024-01-01"), size: 5, inUse: false },
  ]);
});

Deno.test("pruneCache() removes cache mounts that are not in use, by type and by the time of their last use", async () => {
  const { engine: opened, at } = await openEngine();
  await using engine = opened;
  const ids = async (): Promise<string[]> => (await listCache(engine, call)).mounts.map(({ id }) => id).sort();
  await makeMount(engine, "old");
  at(9);
  await makeMount(engine, "new");
  using _lease = await takeMount(engine, "busy");
  at(10);
  assertEquals((await pruneCache(engine, { filters: ["type=layer"] }, call)).mounts, []);
  const dry = await pruneCache(engine, { filters: ["until=48h"], dryRun: true }, call);
  assertEquals([dry.mounts.map(({ id }) => id), dry.reclaimed, await ids()], [["old"], 3, ["busy", "new", "old"]]);
  assertEquals(await pruneCache(engine, { filters: ["until=48h", "type=exec.cachemount"] }, call), dry);
  assertEquals(await ids(), ["busy", "new"]);
  assertEquals((await pruneCache(engine, {}, call)).mounts.map(({ id }) => id), ["new"]);
  assertEquals(await ids(), ["busy"]);
  const error = await assertRejects(() => pruneCache(engine, { filters: ["type=toString"] }, call));
  assertEquals((error as EngineError).message, 'Cannot read filter "type=toString": expected layer or mount');
});

Deno.test("diskUsage() and resetStore() account for cache mounts and snapshots", async () => {
  await using engine = await createTempEngine();
  const { root } = engine.config;
  await makeMount(engine, "npm", { files: { a: "1234" } });
  await makeMount(engine, "go", { files: { a: "123" } });
  const busy = await takeMount(engine, "go");
  await Deno.mkdir(`${root}/snapshots/boot/layer/dir`, { recursive: true });
  await Deno.writeTextFile(`${root}/snapshots/boot/layer/dir/file`, "12345678");
  const { rows, mounts } = await diskUsage(engine, { verbose: true }, call);
  assertEquals(rows.slice(2), [
    { type: "Cache Mounts", total: 2, active: 1, size: 7, reclaimable: 4 },
    { type: "Snapshots", total: 1, active: 0, size: 8, reclaimable: 8 },
  ]);
  assertEquals(mounts?.map(({ id }) => id).sort(), ["go", "npm"]);
  const dry = await resetStore(engine, { dryRun: true }, call);
  assertEquals([dry.cacheMounts, dry.reclaimed], [1, 12]);
  assertEquals(await resetStore(engine, {}, call), dry);
  assertEquals((await listCache(engine, call)).mounts.map(({ id }) => id), ["go"]);
  assertEquals([...Deno.readDirSync(`${root}/snapshots`)].map(({ name }) => name), ["lock"]);
  busy[Symbol.dispose]();
  assertEquals((await resetStore(engine, {}, call)).cacheMounts, 1);
});

Deno.test("diskUsage() and resetStore() leave snapshots alone while a build has them", async () => {
  await using engine = await createTempEngine();
  const { root } = engine.config;
  await Deno.mkdir(`${root}/snapshots/boot/layer`, { recursive: true });
  await Deno.writeTextFile(`${root}/snapshots/boot/layer/file`, "1234");
  using lock = await Deno.open(`${root}/snapshots/lock`, { write: true, create: true });
  lock.lockSync(false);
  const row = (await diskUsage(engine, {}, call)).rows.at(-1);
  assertEquals(row, { type: "Snapshots", total: 1, active: 1, size: 4, reclaimable: 0 });
  assertEquals((await resetStore(engine, {}, call)).reclaimed, 0);
  assertEquals(await Deno.readTextFile(`${root}/snapshots/boot/layer/file`), "1234");
});

Deno.test("findMounts() takes an id for all its copies, else the start of a name", () => {
  const mount = (id: string, name: string): MountInfo => ({
    id,
    name,
    directory: `/${name}`,
    createdAt: new Date(0),
    lastUsedAt: new Date(0),
    isInUse: false,
  });
  const [npm, again, go] = [mount("npm", "ab12"), mount("npm", "ab12-1"), mount("go", "ab34")];
  const infos = [npm, again, go];
  const names = (...texts: string[]): string[] => findMounts(infos, texts).map(({ name }) => name);
  assertEquals(names("npm"), ["ab12", "ab12-1"]);
  assertEquals(names("ab12", "npm", "ab3"), ["ab12", "ab12-1", "ab34"]);
  assertEquals(names("ab1-1"), ["ab12-1"]);
  assertEquals(names(), []);
  const failure = (text: string): readonly unknown[] => {
    const { code, detail } = assertThrows(() => names(text)) as EngineError;
    return [code, detail];
  };
  assertEquals(failure("x"), ["NOT_FOUND", { kind: "cache mount", name: "x" }]);
  assertEquals(failure(""), ["NOT_FOUND", { kind: "cache mount", name: "" }]);
  assertEquals(failure("ab"), ["CONFLICT", { kind: "cache mount", name: "ab", candidates: ["ab12", "ab34"] }]);
});
