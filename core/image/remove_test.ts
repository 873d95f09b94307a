import { assertEquals } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import type { Digest } from "../oci/descriptor.ts";
import { cacheName, writeCacheRecord } from "../store/names.ts";
import { chainId } from "../oci/chain_id.ts";
import { readImages } from "./stored_image.ts";
import { removeImages, type RemoveResult } from "./remove.ts";
import type { Engine } from "../engine.ts";

const call = testCall();

function report(result: RemoveResult): readonly string[] {
  return result.actions.map((action) =>
    action.type === "untagged" ? `Untagged: ${action.name}` : `Deleted: ${action.digest}`
  );
}

async function digests(engine: Engine): Promise<readonly Digest[]> {
  return (await Array.fromAsync(engine.store.blobs(call))).map(({ digest }) => digest);
}

Deno.test("removeImages() only untags when another name is left", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1", "app:v2"] }, call);
  const before = await digests(engine);
  const result = await removeImages(engine, { images: ["app:v1"] }, call);
  assertEquals(report(result), ["Untagged: app:v1"]);
  assertEquals([result.reclaimed, await digests(engine)], [0, before]);
});

Deno.test("removeImages() deletes image, layers and blobs when the last name goes", async () => {
  await using engine = await createTempEngine();
  const { id, diffIds } = await putImage(engine.store, { layers: [{ a: "1" }, { b: "2" }], names: ["app:v1"] }, call);
  const total = (await Array.fromAsync(engine.store.blobs(call))).reduce((bytes, { size }) => bytes + size, 0);
  const result = await removeImages(engine, { images: ["app:v1"] }, call);
  const chains = [await chainId(diffIds), diffIds[0]];
  assertEquals(report(result), ["Untagged: app:v1", `Deleted: ${id}`, ...chains.map((chain) => `Deleted: ${chain}`)]);
  assertEquals([result.reclaimed, await digests(engine)], [total, []]);
});

Deno.test("removeImages() keeps layers that another image has", async () => {
  await using engine = await createTempEngine();
  const base = await putImage(engine.store, { layers: [{ a: "1" }], names: ["base"] }, call);
  const app = await putImage(engine.store, { layers: [{ a: "1" }, { b: "2" }], names: ["app"] }, call);
  const result = await removeImages(engine, { images: ["app"] }, call);
  assertEquals(report(result), [
    "Untagged: app:latest",
    `Deleted: ${app.id}`,
    `Deleted: ${await chainId(app.diffIds)}`,
  ]);
  const left = await digests(engine);
  // Manifest, config, layer and the table of contents of the layer.
  assertEquals([left.includes(base.layers[0]?.digest ?? "a:b"), left.length], [true, 4]);
});

Deno.test("removeImages() gives a conflict when an image with names in several repositories is removed by ID", async () => {
  await using engine = await createTempEngine();
  const { id } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1", "quay.io/team/app:v1"] }, call);
  const refused = await removeImages(engine, { images: [id] }, call);
  const short = id.slice(7, 19);
  assertEquals(
    [refused.actions, refused.errors.map(({ code, message }) => [code, message])],
    [[], [[
      "CONFLICT",
      `Cannot remove image "${short}": unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    ]]],
  );
  const forced = await removeImages(engine, { images: [id], force: true }, call);
  assertEquals(report(forced).slice(0, 3), ["Untagged: app:v1", "Untagged: quay.io/team/app:v1", `Deleted: ${id}`]);
});

Deno.test("removeImages() removes names by digest when the last tag of their repository goes", async () => {
  await using engine = await createTempEngine();
  const digest = `sha256:${"ab".repeat(32)}`;
  const names = ["app:v1", `app@${digest}`, "other:v1"];
  await putImage(engine.store, { layers: [{ a: "1" }], names }, call);
  const result = await removeImages(engine, { images: ["app:v1"] }, call);
  assertEquals(report(result), ["Untagged: app:v1", `Untagged: app@${digest}`]);
  assertEquals((await readImages(engine.store, call)).map((image) => image.names), [["docker.io/library/other:v1"]]);
});

Deno.test("removeImages() goes on and gives the errors when some references are unknown", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  await putImage(engine.store, { layers: [{ a: "2" }], names: ["app:v2"] }, call);
  const result = await removeImages(engine, { images: ["nope", "app:v1", "app:v1", "app:v2"] }, call);
  assertEquals(result.errors.map(({ code, detail }) => [code, detail.name]), [["NOT_FOUND", "nope"], [
    "NOT_FOUND",
    "app:v1",
  ]]);
  assertEquals([await readImages(engine.store, call), await digests(engine)], [[], []]);
});

Deno.test("removeImages() drops the cache records of its own layers unless noPrune", async () => {
  for (const noPrune of [false, true]) {
    await using engine = await createTempEngine();
    const { layers, diffIds } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"] }, call);
    const [layer, diffId] = [layers[0], diffIds[0]];
    if (layer === undefined || diffId === undefined) throw new Error("no layer");
    const record = writeCacheRecord({ layer, diffId, created: "2024-01-01T00:00:00Z", instruction: "COPY" });
    await engine.store.tag(record, cacheName("k1"), call);
    const result = await removeImages(engine, { images: ["app"], noPrune }, call);
    const isKept = (await engine.store.resolve(cacheName("k1"), call)) !== undefined;
    const hasLayer = await engine.store.has(layer, call);
    assertEquals([isKept, hasLayer, result.actions.length], noPrune ? [true, true, 2] : [false, false, 3]);
  }
});

Deno.test("removeImages() removes an image whose content is damaged", async () => {
  await using engine = await createTempEngine();
  const { layers, descriptor } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"] }, call);
  await engine.store.delete(layers[0]?.digest ?? "a:b", call);
  await engine.store.delete(descriptor.digest, call);
  const result = await removeImages(engine, { images: ["app"] }, call);
  assertEquals([report(result).length, result.errors, await digests(engine)], [2, [], []]);
});

Deno.test("removeImages() takes name@digest for every tag of that repository that points there", async () => {
  await using engine = await createTempEngine();
  const names = ["app:v1", "app:v2", "other:v1"];
  const { descriptor } = await putImage(engine.store, { layers: [{ a: "1" }], names }, call);
  const result = await removeImages(engine, { images: [`app@${descriptor.digest}`] }, call);
  assertEquals(report(result), ["Untagged: app:v1", "Untagged: app:v2"]);
  assertEquals((await readImages(engine.store, call)).map((image) => image.names), [["docker.io/library/other:v1"]]);
});
