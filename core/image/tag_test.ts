import { assertEquals, assertRejects } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { readImages } from "./stored_image.ts";
import { tagImage } from "./tag.ts";
import { untagImages } from "./untag.ts";

const call = testCall();

Deno.test("tagImage() adds a name and tells whose it was", async () => {
  await using engine = await createTempEngine();
  const first = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const second = await putImage(engine.store, { layers: [{ a: "2" }], names: ["app:v2"] }, call);
  assertEquals(await tagImage(engine, { source: "app:v1", target: "docker.io/library/new" }, call), {
    id: first.id,
    name: "new:latest",
    replaced: undefined,
  });
  assertEquals((await tagImage(engine, { source: second.id, target: "new" }, call)).replaced, first.id);
  assertEquals((await tagImage(engine, { source: second.id, target: "new" }, call)).replaced, undefined);
  const names = new Map((await readImages(engine.store, call)).map((image) => [image.id, image.names]));
  assertEquals(names.get(first.id), ["docker.io/library/app:v1"]);
  assertEquals(names.get(second.id), ["docker.io/library/app:v2", "docker.io/library/new:latest"]);
});

Deno.test("tagImage() rejects when the target is no name or holds a digest, or the source is unknown", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const code = async (source: string, target: string): Promise<string> =>
    (await assertRejects(() => tagImage(engine, { source, target }, call), EngineError)).code;
  assertEquals(await code("app:v1", "UPPER"), "INVALID_ARGUMENT");
  assertEquals(await code("app:v1", `x@sha256:${"0".repeat(64)}`), "INVALID_ARGUMENT");
  assertEquals(await code("app:v1", "0".repeat(64)), "INVALID_ARGUMENT");
  assertEquals(await code("nope", "x"), "NOT_FOUND");
});

Deno.test("untagImages() keeps the image and tells when it is dangling", async () => {
  await using engine = await createTempEngine();
  const { id } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1", "app:v2", "b:v1"] }, call);
  const first = await untagImages(engine, { images: ["app:v1", "nope"] }, call);
  assertEquals([first.untagged, first.dangling, first.errors.map(({ code }) => code)], [["app:v1"], [], ["NOT_FOUND"]]);
  assertEquals(await untagImages(engine, { images: [id] }, call), {
    untagged: ["app:v2", "b:v1"],
    dangling: [id],
    errors: [],
  });
  assertEquals((await readImages(engine.store, call)).map((image) => [image.id, image.names]), [[id, []]]);
});

Deno.test("untagImages() takes name@digest for the tags of that repository and no others", async () => {
  await using engine = await createTempEngine();
  const { descriptor } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1", "other:v1"] }, call);
  const result = await untagImages(engine, { images: [`app@${descriptor.digest}`] }, call);
  assertEquals([result.untagged, result.dangling], [["app:v1"], []]);
});
