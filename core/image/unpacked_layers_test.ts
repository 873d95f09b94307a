/** Unpacked layers go with the layers that they are of, whichever command takes these away. */
import { assertEquals } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import type { Engine } from "../engine.ts";
import type { Digest } from "../oci/descriptor.ts";
import { bootNames, chainSnapshot, layerSnapshot } from "../snapshot/layout.ts";
import { lockShared } from "../snapshot/lock.ts";
import { cacheName, writeCacheRecord } from "../store/names.ts";
import { pruneCache } from "./cache_prune.ts";
import { diskUsage } from "./disk_usage.ts";
import { pruneImages } from "./prune.ts";
import { removeImages } from "./remove.ts";
import { resetStore } from "./reset.ts";

const call = testCall();

function directory(engine: Engine): string {
  return `${engine.config.root}/snapshots/${bootNames()[0]}`;
}

/** Makes directories as if layers were unpacked, with 10 bytes in each. */
function unpack(engine: Engine, ...diffIds: readonly (Digest | undefined)[]): void {
  for (const diffId of diffIds) {
    if (diffId === undefined) continue;
    for (const name of [layerSnapshot(diffId), chainSnapshot(diffId, diffId)]) {
      Deno.mkdirSync(`${directory(engine)}/${name}`, { recursive: true });
      Deno.writeTextFileSync(`${directory(engine)}/${name}/file`, "01234");
    }
  }
}

/** Layers that are unpacked. */
function unpacked(engine: Engine): readonly string[] {
  const names = [...Deno.readDirSync(directory(engine))].map(({ name }) => name.split("-")[0] ?? "");
  return [...new Set(names)].sort();
}

const hexOf = (...diffIds: readonly (Digest | undefined)[]): readonly string[] =>
  diffIds.flatMap((diffId) => diffId === undefined ? [] : [layerSnapshot(diffId)]).sort();

Deno.test("removeImages() removes unpacked layers that no other image has, compressed or not", async () => {
  await using engine = await createTempEngine();
  const one = await putImage(engine.store, { layers: [{ a: "1" }, { b: "2" }], names: ["one"], gzip: true }, call);
  const two = await putImage(engine.store, { layers: [{ a: "1" }, { c: "3" }], names: ["two"] }, call);
  unpack(engine, ...one.diffIds, ...two.diffIds);
  await removeImages(engine, { images: ["one"] }, call);
  assertEquals(unpacked(engine), hexOf(...two.diffIds));
  await removeImages(engine, { images: ["two"] }, call);
  assertEquals(unpacked(engine), []);
});

Deno.test("removeImages() keeps unpacked layers that the build cache has, and all while a build uses some", async () => {
  await using engine = await createTempEngine();
  const { layers: [layer], diffIds } = await putImage(engine.store, {
    layers: [{ a: "1" }, { b: "2" }],
    names: ["app"],
  }, call);
  const [diffId] = diffIds;
  if (layer === undefined || diffId === undefined) throw new Error("no layer");
  const record = writeCacheRecord({ layer, diffId, created: "2024-01-01T00:00:00Z", instruction: "RUN x" });
  await engine.store.tag(record, cacheName("key"), call);
  unpack(engine, ...diffIds);
  {
    using _ = await lockShared(`${engine.config.root}/snapshots/lock`);
    await removeImages(engine, { images: ["app"], noPrune: true }, call);
    assertEquals(unpacked(engine), hexOf(...diffIds));
  }
  assertEquals((await pruneImages(engine, {}, call)).reclaimed, 10);
  assertEquals(unpacked(engine), hexOf(diffId));
});

Deno.test("pruneCache() removes unpacked layers of records that go, and with all every one", async () => {
  await using engine = await createTempEngine();
  const { diffIds } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"] }, call);
  unpack(engine, ...diffIds, `sha256:${"0".repeat(64)}`);
  assertEquals((await pruneCache(engine, {}, call)).reclaimed, 10);
  assertEquals(unpacked(engine), hexOf(...diffIds));
  for (const filters of [["until=1h"], ["type=mount"]]) await pruneCache(engine, { all: true, filters }, call);
  assertEquals(unpacked(engine), hexOf(...diffIds));
  assertEquals((await pruneCache(engine, { all: true, dryRun: true }, call)).reclaimed, 10);
  assertEquals((await pruneCache(engine, { all: true }, call)).reclaimed, 10);
  assertEquals(unpacked(engine), []);
});

Deno.test("resetStore() removes unpacked layers, and diskUsage() counts them", async () => {
  await using engine = await createTempEngine();
  const { diffIds } = await putImage(engine.store, { layers: [{ a: "1" }, { b: "2" }], names: ["app"] }, call);
  unpack(engine, ...diffIds);
  const row = async (): Promise<unknown> =>
    (await diskUsage(engine, {}, call)).rows.find(({ type }) => type === "Snapshots");
  assertEquals(await row(), { type: "Snapshots", total: 4, active: 0, size: 20, reclaimable: 20 });
  const dry = await resetStore(engine, { dryRun: true }, call);
  assertEquals(unpacked(engine).length, 2);
  assertEquals(await resetStore(engine, {}, call), dry);
  assertEquals(unpacked(engine), []);
  assertEquals(await row(), { type: "Snapshots", total: 0, active: 0, size: 0, reclaimable: 0 });
});
