import { assertEquals, assertRejects } from "@std/assert";
import { putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { readReferences } from "../store/graph.ts";
import { copyImages } from "./copy.ts";
import { listImages } from "./list.ts";
import { loadImages } from "./load.ts";
import { removeImages } from "./remove.ts";
import { type SaveFormat, saveImages } from "./save.ts";
import { readImages } from "./stored_image.ts";
import { tagImage } from "./tag.ts";

const call = testCall();
const formats: readonly SaveFormat[] = ["docker-archive", "oci-archive", "oci", "dir"];

for (const format of formats) {
  Deno.test(`saveImages() and loadImages() keep image ID and content when the form is ${format}`, async () => {
    await using from = await createTempEngine();
    await using to = await createTempEngine();
    for (const gzip of [false, true]) {
      const name = gzip ? "app:gz" : "app:plain";
      const saved = await putImage(from.store, { layers: [{ a: "1" }, { b: "2" }], names: [name], gzip }, call);
      const output = `${from.directory}/${format}-${gzip}`;
      await saveImages(from, { images: [name], format, output }, call);
      const { images } = await loadImages(to, { source: { path: output } }, call);
      assertEquals(images, [{ id: saved.id, names: format === "dir" ? [] : [name], replaced: [] }]);
      const loaded = (await readImages(to.store, call)).find(({ id }) => id === saved.id);
      assertEquals([loaded?.descriptor.digest, loaded?.size], [
        saved.descriptor.digest,
        Number(saved.descriptor.annotations?.["strata.image.size"]),
      ]);
      for (const layer of saved.layers) assertEquals(await to.store.has(layer, call), true);
    }
  });
}

Deno.test("saveImages() writes several images, by ID without a name, and the same bytes each time", async () => {
  await using from = await createTempEngine();
  await using to = await createTempEngine();
  const one = await putImage(from.store, { layers: [{ a: "1" }], names: ["app:v1", "quay.io/team/app:v1"] }, call);
  const two = await putImage(from.store, { layers: [{ a: "1" }, { b: "2" }], names: ["two:v1"] }, call);
  const images = ["app:v1", "quay.io/team/app:v1", two.id.slice(7, 19)];
  const paths = ["x.tar", "y.tar"].map((name) => `${from.directory}/${name}`);
  for (const output of paths) await saveImages(from, { images, output }, call);
  assertEquals(await Deno.readFile(paths[0] ?? ""), await Deno.readFile(paths[1] ?? ""));
  const loaded = await loadImages(to, { source: { path: paths[0] ?? "" } }, call);
  const found = new Map(loaded.images.map(({ id, names }) => [id, names]));
  assertEquals(found.get(one.id), ["app:v1", "quay.io/team/app:v1"]);
  assertEquals(found.get(two.id), []);
  assertEquals((await Array.fromAsync(Deno.readDir(from.directory))).map(({ name }) => name).sort(), [
    "x.tar",
    "y.tar",
  ]);
});

Deno.test("saveImages() leaves the old file when an image is unknown or damaged", async () => {
  await using engine = await createTempEngine();
  const { layers } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const output = `${engine.directory}/x.tar`;
  await Deno.writeTextFile(output, "old");
  const unknown = await assertRejects(
    () => saveImages(engine, { images: ["app:v1", "no"], output }, call),
    EngineError,
  );
  await engine.store.delete(layers[0]?.digest ?? "a:b", call);
  const damaged = await assertRejects(() => saveImages(engine, { images: ["app:v1"], output }, call), EngineError);
  assertEquals([unknown.code, damaged.code, await Deno.readTextFile(output)], ["NOT_FOUND", "NOT_FOUND", "old"]);
  assertEquals((await Array.fromAsync(Deno.readDir(engine.directory))).length, 1);
});

Deno.test("loadImages() moves a taken name and tells whose it was", async () => {
  await using engine = await createTempEngine();
  const first = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const output = `${engine.directory}/x.tar`;
  await saveImages(engine, { images: ["app:v1"], output }, call);
  const second = await putImage(engine.store, { layers: [{ a: "2" }] }, call);
  await tagImage(engine, { source: second.id, target: "app:v1" }, call);
  const { images } = await loadImages(engine, { source: { path: output } }, call);
  assertEquals(images, [{ id: first.id, names: ["app:v1"], replaced: [{ name: "app:v1", id: second.id }] }]);
  const { rows } = await listImages(engine, { filters: ["dangling=true"] }, call);
  assertEquals(rows.map(({ id }) => id), [second.id]);
});

Deno.test("loadImages() reads a compressed archive and a stream, and leaves nothing but the image", async () => {
  await using from = await createTempEngine();
  await using to = await createTempEngine();
  const { id } = await putImage(from.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const output = `${from.directory}/x.tar`;
  await saveImages(from, { images: ["app:v1"], output }, call);
  const squeezed = `${output}.gz`;
  const file = await Deno.open(output);
  await Deno.writeFile(squeezed, file.readable.pipeThrough(new CompressionStream("gzip")));
  const count = async (): Promise<number> => (await Array.fromAsync(to.store.blobs(call))).length;
  const sources = [{ path: squeezed }, { stream: (await Deno.open(output)).readable }, {
    stream: (await Deno.open(squeezed)).readable,
  }];
  for (const source of sources) {
    assertEquals((await loadImages(to, { source }, call)).images[0]?.id, id);
    // Manifest, config, layer and the table of contents of the layer.
    assertEquals(await count(), 4);
  }
  await removeImages(to, { images: ["app:v1"] }, call);
  assertEquals(await count(), 0);
});

Deno.test("saveImages() and loadImages() keep an index whole, and one platform of it when asked", async () => {
  await using from = await createTempEngine();
  await using to = await createTempEngine();
  const platforms = ["amd64", "arm64", "s390x"].map((architecture) => ({ os: "linux", architecture }));
  const images = platforms.map((platform) => ({ layers: [{ a: platform.architecture }], platform }));
  const { id, descriptor, manifests } = await putIndex(from.store, { images, names: ["multi"] }, call);
  const save = async (path: string, count: number, format: SaveFormat): Promise<string> => {
    const output = `${from.directory}/${path}`;
    await saveImages(from, { images: ["multi"], output, format, platforms: platforms.slice(0, count) }, call);
    return output;
  };
  const load = async (path: string): Promise<string | undefined> =>
    (await loadImages(to, { source: { path } }, call)).images[0]?.id;
  const config = (await readReferences(from.store, manifests[0] ?? descriptor, call)).needed[0]?.digest;
  assertEquals(await load(await save("one.tar", 1, "docker-archive")), config);
  assertEquals(await load(await save("two.tar", 2, "oci-archive")), id);
  assertEquals(
    (await readImages(to.store, call)).find((image) => image.id === id)?.platform,
    "linux/amd64,linux/arm64",
  );
  assertEquals(await load(await save("all.tar", 0, "docker-archive")), id);
  const all = (await readImages(to.store, call)).find((image) => image.id === id);
  assertEquals(all?.platform, "linux/amd64,linux/arm64,linux/s390x");
});

Deno.test("copyImages() copies between the store and other places", async () => {
  await using engine = await createTempEngine();
  const { id } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app:v1"] }, call);
  const { directory } = engine;
  await copyImages(engine, { source: "app:v1", target: `oci:${directory}/layout` }, call);
  await copyImages(engine, { source: `oci:${directory}/layout`, target: `oci-archive:${directory}/x.tar` }, call);
  await copyImages(engine, { source: `oci-archive:${directory}/x.tar`, target: "new:v2" }, call);
  const names = (await readImages(engine.store, call)).find((image) => image.id === id)?.names;
  assertEquals(names, ["docker.io/library/app:v1", "docker.io/library/new:v2"]);
  const code = async (source: string, names: readonly string[] = []): Promise<string> =>
    (await assertRejects(() => copyImages(engine, { source, target: "x", names }, call), EngineError)).code;
  assertEquals(await code("nope:v1"), "NOT_FOUND");
  assertEquals(await code(`oci:${directory}/layout`, ["other:v1"]), "NOT_FOUND");
  assertEquals(await code(`oci:${directory}/none`), "NOT_FOUND");
});
