import { assertEquals, assertRejects } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { pruneImages } from "./prune.ts";
import { readImages } from "./stored_image.ts";

const call = testCall();

Deno.test("pruneImages() removes dangling images only, with the same report as a dry run", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"] }, call);
  const { id } = await putImage(engine.store, { layers: [{ a: "1" }, { b: "2" }] }, call);
  const size = async (): Promise<number> =>
    (await Array.fromAsync(engine.store.blobs(call))).reduce((bytes, blob) => bytes + blob.size, 0);
  const before = await size();
  const dry = await pruneImages(engine, { dryRun: true }, call);
  assertEquals(await size(), before);
  const real = await pruneImages(engine, {}, call);
  assertEquals(real, dry);
  assertEquals(real.actions[0], { type: "deleted", digest: id });
  assertEquals(before - await size(), real.reclaimed);
  assertEquals((await readImages(engine.store, call)).map(({ names }) => names), [["docker.io/library/app:latest"]]);
  assertEquals(await pruneImages(engine, {}, call), { actions: [], reclaimed: 0 });
});

Deno.test("pruneImages() takes only what filters let through when all is asked", async () => {
  await using engine = await createTempEngine();
  const put = (name: string, created: string, Labels: Record<string, string>): Promise<unknown> =>
    putImage(engine.store, { layers: [{ a: name }], names: [name], created, exec: { Labels } }, call);
  await put("old", "2023-12-01T00:00:00Z", {});
  await put("keep", "2023-12-01T00:00:00Z", { keep: "yes" });
  await put("fresh", "2024-01-02T03:00:00Z", {});
  const result = await pruneImages(engine, { all: true, filters: ["until=24h", "label!=keep"] }, call);
  assertEquals(result.actions.filter(({ type }) => type === "untagged"), [{ type: "untagged", name: "old:latest" }]);
  const names = (await readImages(engine.store, call)).flatMap((image) => image.names).sort();
  assertEquals(names, ["docker.io/library/fresh:latest", "docker.io/library/keep:latest"]);
});

Deno.test("pruneImages() rejects INVALID_ARGUMENT when a filter is not one of prune", async () => {
  await using engine = await createTempEngine();
  const error = await assertRejects(() => pruneImages(engine, { filters: ["reference=a"] }, call), EngineError);
  assertEquals(error.code, "INVALID_ARGUMENT");
});

Deno.test("pruneImages() sweeps what a killed process left even when no image is dangling", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"] }, call);
  const bytes = new TextEncoder().encode("a layer that got no name");
  const { digest } = await engine.store.ingest(streamOf(bytes), "application/octet-stream", call);
  assertEquals(await pruneImages(engine, { dryRun: true }, call), { actions: [], reclaimed: 0 });
  assertEquals(await pruneImages(engine, {}, call), { actions: [], reclaimed: bytes.length });
  const left = await Array.fromAsync(engine.store.blobs(call));
  assertEquals(left.some((blob) => blob.digest === digest), false);
});
