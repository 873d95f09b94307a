import { assertEquals, assertLessOrEqual } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import type { Engine } from "../engine.ts";
import { cacheName, writeCacheRecord } from "../store/names.ts";
import { listCache } from "./cache_list.ts";
import { pruneCache } from "./cache_prune.ts";
import { diskUsage } from "./disk_usage.ts";
import { resetStore } from "./reset.ts";
import { strataVersion } from "./version.ts";

const call = testCall();

/** A named and a dangling image that share a layer, and two cache records: one of the shared layer, one of no image. */
async function fill(engine: Engine): Promise<{ readonly loose: number }> {
  const { layers, diffIds } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1", "app:v2"] }, call);
  await putImage(engine.store, { layers: [{ a: "1" }, { b: "2" }] }, call);
  const loose = await putImage(engine.store, { layers: [{ c: "3".repeat(3000) }], names: ["gone"] }, call);
  const cached = [
    { layer: layers[0], diffId: diffIds[0], created: "2024-01-01T00:00:00Z" },
    { layer: loose.layers[0], diffId: loose.diffIds[0], created: "2024-01-02T00:00:00Z" },
  ];
  for (const [at, { layer, diffId, created }] of cached.entries()) {
    if (layer === undefined || diffId === undefined) throw new Error("no layer");
    const record = writeCacheRecord({ layer, diffId, created, instruction: `COPY ${at}` });
    await engine.store.tag(record, cacheName(`key${at}`), call);
  }
  await engine.store.update([
    { name: "ref/docker.io/library/gone:latest", descriptor: undefined },
    { name: `image/${loose.id}`, descriptor: undefined },
  ], call);
  return { loose: loose.layers[0]?.size ?? 0 };
}

Deno.test("diskUsage() counts images and cache with what can be reclaimed", async () => {
  await using engine = await createTempEngine();
  const { loose } = await fill(engine);
  const { rows, images, cache } = await diskUsage(engine, { verbose: true }, call);
  assertEquals(rows.map(({ type, total, active }) => [type, total, active]), [["Images", 2, 1], ["Build Cache", 2, 1], [
    "Cache Mounts",
    0,
    0,
  ], ["Snapshots", 0, 0]]);
  assertEquals(rows[1]?.reclaimable, loose);
  const dangling = images?.find(({ repository }) => repository === undefined);
  assertEquals(rows[0]?.reclaimable, dangling?.uniqueSize);
  assertEquals(images?.length, 3);
  assertEquals(cache?.map(({ id, inUse, description }) => [id, inUse, description]), [
    ["key1", false, "COPY 1"],
    ["key0", true, "COPY 0"],
  ]);
  assertEquals((await diskUsage(engine, {}, call)).images, undefined);
  assertEquals((await listCache(engine, call)).rows, cache);
});

Deno.test("pruneCache() removes records that no image uses, and with all the others too", async () => {
  await using engine = await createTempEngine();
  const { loose } = await fill(engine);
  const dry = await pruneCache(engine, { dryRun: true }, call);
  assertEquals(dry, { removed: ["key1"], mounts: [], reclaimed: loose });
  // Any prune also sweeps what no name keeps, here tables of contents of the fixture, so it may free more than a dry run tells.
  assertEquals((await pruneCache(engine, { filters: ["until=48h"] }, call)).removed, []);
  const real = await pruneCache(engine, {}, call);
  assertEquals(real.removed, ["key1"]);
  assertLessOrEqual(loose, real.reclaimed);
  assertEquals((await pruneCache(engine, { all: true }, call)).removed, ["key0"]);
});

Deno.test("resetStore() removes everything", async () => {
  await using engine = await createTempEngine();
  await fill(engine);
  const dry = await resetStore(engine, { dryRun: true }, call);
  assertEquals([dry.images, dry.cacheRecords], [2, 2]);
  assertEquals(await resetStore(engine, {}, call), dry);
  assertEquals(await Array.fromAsync(engine.store.blobs(call)), []);
  assertEquals(await Array.fromAsync(engine.store.names("", call)), []);
});

Deno.test("strataVersion is the version in deno.json", async () => {
  const text = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
  assertEquals(strataVersion, JSON.parse(text).version);
});
