import { assertEquals, assertObjectMatch, assertRejects } from "@std/assert";
import { putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { rawTar } from "../../tests/helpers/raw_tar.ts";
import { startRegistryServer } from "../../tests/helpers/registry_server.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { collectText } from "../stream/collect.ts";
import { copyImages } from "./copy.ts";
import { diffImages } from "./diff.ts";
import type { ImageFiles } from "./image_files.ts";
import { importImage } from "./import.ts";
import { openImage } from "./open_image.ts";
import { removeImages } from "./remove.ts";

const call = testCall();

/** Imports an image with links of both kinds, some of which point out of it. */
async function putLinks(engine: TempEngine, reference: string): Promise<void> {
  const content = streamOf(rawTar([
    { name: "etc/", type: "5", mode: 0o755 },
    { name: "etc/passwd", text: "root:x:0:0\n", mode: 0o640 },
    { name: "bin", type: "2", link: "usr/bin" },
    { name: "out", type: "2", link: "../../../etc/passwd" },
    { name: "loop", type: "2", link: "loop" },
    { name: "nowhere", type: "2", link: "/absent" },
    { name: "usr/bin/a", text: "program" },
    { name: "usr/bin/b", type: "1", link: "usr/bin/a" },
  ]));
  await importImage(engine, { content, reference }, call);
}

async function rejection(work: () => Promise<unknown>): Promise<readonly [string, string, unknown]> {
  const error = await assertRejects(work, EngineError);
  return [error.code, error.message, error.detail];
}

async function walked(image: ImageFiles, path?: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { type, path: at, size, target } of image.walk(path)) {
    lines.push(`${type} ${at} ${size}${target === undefined ? "" : ` -> ${target}`}`);
  }
  return lines;
}

for (const gzip of [false, true]) {
  Deno.test(`openImage() reads files of a stored image whose layers are ${gzip ? "compressed" : "plain"}`, async () => {
    await using engine = await createTempEngine();
    const layers = [{ "etc/a": "one", "etc/b": "two", gone: "x" }, { "etc/a": "other", gone: null }];
    const { id } = await putImage(engine.store, { layers, names: ["app"], gzip, exec: { Cmd: ["run"] } }, call);
    await using image = await openImage(engine, { image: "app" }, call);
    assertEquals(await image.readFile("/etc/a"), new TextEncoder().encode("other"));
    assertEquals(await image.readTextFile("etc/b"), "two");
    assertEquals(await collectText(await image.open("/etc/a", 2), 10), "her");
    assertEquals(await collectText(await image.open("/etc/a", 99), 10), "");
    assertEquals(await walked(image), ["directory /etc 0", "file /etc/a 5", "file /etc/b 3"]);
    assertEquals([image.id, image.manifest.layers.length, image.config.config?.Cmd], [id, 2, ["run"]]);
    assertEquals((await rejection(() => image.open("/etc/a", -1)))[0], "INVALID_ARGUMENT");
  });
}

Deno.test("openImage() follows links inside the image, and none leads out", async () => {
  await using engine = await createTempEngine();
  await putLinks(engine, "app");
  await using image = await openImage(engine, { image: "app" }, call);
  assertEquals(await image.readTextFile("/out"), "root:x:0:0\n");
  assertEquals(await image.readTextFile("/../../bin/./a"), "program");
  assertObjectMatch(await image.stat("/out"), { path: "/etc/passwd", type: "file", mode: 0o640, size: 11 });
  assertObjectMatch(await image.lstat("/out"), { path: "/out", type: "symlink", target: "../../../etc/passwd" });
  assertObjectMatch(await image.stat("/"), { path: "/", type: "directory" });
  assertEquals(await image.readLink("/nowhere"), "/absent");
  assertEquals((await image.readDir("/bin")).map(({ path, type, size }) => [path, type, size]), [
    ["/usr/bin/a", "file", 7],
    ["/usr/bin/b", "file", 7],
  ]);
  assertEquals((await image.readDir("/")).map(({ path }) => path), [
    "/bin",
    "/etc",
    "/loop",
    "/nowhere",
    "/out",
    "/usr",
  ]);
  assertEquals(await walked(image, "/usr"), [
    "directory /usr 0",
    "directory /usr/bin 0",
    "file /usr/bin/a 7",
    "hardlink /usr/bin/b 7 -> /usr/bin/a",
  ]);
  assertEquals(await walked(image, "bin"), ["symlink /bin 0 -> usr/bin"]);
});

Deno.test("openImage() gives a file system that names what it cannot do", async () => {
  await using engine = await createTempEngine();
  await putLinks(engine, "app");
  await using image = await openImage(engine, { image: "app" }, call);
  const detail = (name: string): unknown => ({ kind: "file", name });
  const absent = "there is no such path";
  assertEquals(await rejection(() => image.readFile("/x")), [
    "NOT_FOUND",
    `Cannot read file "/x": ${absent}`,
    detail("/x"),
  ]);
  assertEquals(await rejection(() => image.stat("/nowhere")), [
    "NOT_FOUND",
    `Cannot look at "/nowhere": ${absent}`,
    detail("/nowhere"),
  ]);
  assertEquals((await rejection(() => image.readTextFile("/etc")))[1], 'Cannot read file "/etc": it is a directory');
  assertEquals((await rejection(() => image.readDir("/out")))[1], 'Cannot list directory "/out": it is a file');
  assertEquals((await rejection(() => image.readLink("/etc")))[1], 'Cannot read link "/etc": it is a directory');
  assertEquals((await rejection(() => walked(image, "/x")))[1], `Cannot walk "/x": ${absent}`);
  assertEquals((await rejection(() => image.readFile("/loop")))[0], "INVALID_ARGUMENT");
});

Deno.test("openImage() tells how two images differ as diffImages() does", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1", b: "2" }], names: ["one"] }, call);
  await putImage(engine.store, { layers: [{ a: "1", b: "22" }, { c: "3" }], names: ["two"], gzip: true }, call);
  await using one = await openImage(engine, { image: "one" }, call);
  await using two = await openImage(engine, { image: "two" }, call);
  assertEquals(await one.diff(two), await diffImages(engine, { from: "one", to: "two" }, call));
  assertEquals((await one.diff(one)).rows, []);
  assertEquals((await rejection(() => one.diff({ ...two })))[0], "INVALID_ARGUMENT");
});

Deno.test("openImage() opens the platform that is asked for, and rejects NOT_FOUND for what is not there", async () => {
  await using engine = await createTempEngine();
  const images = ["amd64", "arm64"].map((architecture) => ({
    layers: [{ [architecture]: "x" }],
    platform: { os: "linux", architecture },
  }));
  await putIndex(engine.store, { images, names: ["app"] }, call);
  const platform = { os: "linux", architecture: "arm64" };
  await using image = await openImage(engine, { image: "app", platform }, call);
  assertEquals((await image.readDir("/")).map(({ path }) => path), ["/arm64"]);
  assertObjectMatch(image.platform, platform);
  const other = { os: "linux", architecture: "s390x" };
  assertEquals((await rejection(() => openImage(engine, { image: "app", platform: other }, call)))[0], "NOT_FOUND");
  assertEquals((await rejection(() => openImage(engine, { image: "nothing" }, call)))[2], {
    kind: "image",
    name: "nothing",
  });
});

Deno.test("openImage() keeps what it reads when the image is removed, until it is disposed", async () => {
  await using engine = await createTempEngine();
  const { layers } = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"], gzip: true }, call);
  const blobs = async (): Promise<boolean[]> => await Promise.all(layers.map((layer) => engine.store.has(layer, call)));
  {
    await using image = await openImage(engine, { image: "app" }, call);
    await removeImages(engine, { images: ["app"] }, call);
    assertEquals(await image.readTextFile("/a"), "1");
  }
  await putImage(engine.store, { layers: [{ b: "1" }], names: ["other"] }, call);
  await removeImages(engine, { images: ["other"] }, call);
  assertEquals(await blobs(), [false]);
});

Deno.test("openImage() stops reading when its call is aborted", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"] }, call);
  const controller = new AbortController();
  await using image = await openImage(engine, { image: "app" }, { signal: controller.signal, emit: () => {} });
  assertEquals(await image.readTextFile("/a"), "1");
  controller.abort();
  for (const read of [(): Promise<unknown> => image.readFile("/a"), (): Promise<unknown> => walked(image)]) {
    assertEquals((await rejection(read))[0], "CANCELED");
  }
});

Deno.test("openImage() opens images of a registry, a directory and an archive, and takes each layer once", async () => {
  await using server = startRegistryServer();
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }, { "d/b": "22" }], names: ["app"], gzip: true }, call);
  const places = [
    `registry:${server.host}/team/app:latest`,
    `oci:${engine.directory}/layout`,
    `docker-archive:${engine.directory}/app.tar`,
  ];
  for (const target of places) await copyImages(engine, { source: "app", target }, call);
  await using reader = await createTempEngine();
  const seen = server.requests.length;
  for (const place of places) {
    await using image = await openImage(reader, { image: place }, call);
    assertEquals(await walked(image), ["file /a 1", "directory /d 0", "file /d/b 2"]);
    assertEquals(await image.readTextFile("/d/b"), "22");
  }
  const blobs = server.requests.slice(seen).filter(({ path }) => path.includes("/blobs/"));
  assertEquals(blobs.length, 3, "the config and two layers");
});

Deno.test("openImage() rejects INVALID_ARGUMENT for a place of several images", async () => {
  await using engine = await createTempEngine();
  const layout = `oci:${engine.directory}/layout`;
  for (const name of ["one", "two"]) {
    await putImage(engine.store, { layers: [{ [name]: "1" }], names: [name] }, call);
    await copyImages(engine, { source: name, target: layout }, call);
  }
  assertEquals((await rejection(() => openImage(engine, { image: layout }, call))).slice(0, 2), [
    "INVALID_ARGUMENT",
    `Cannot open image "${layout}": it holds 2 images, expected one`,
  ]);
});

Deno.test("openImage() reads no layer before it is asked for a file", async () => {
  await using server = startRegistryServer();
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"] }, call);
  const place = `registry:${server.host}/team/app:latest`;
  await copyImages(engine, { source: "app", target: place }, call);
  await using reader = await createTempEngine();
  const seen = server.requests.length;
  await using image = await openImage(reader, { image: place }, call);
  assertEquals(image.config.rootfs.diff_ids.length, 1);
  const blobs = server.requests.slice(seen).filter(({ path }) => path.includes("/blobs/"));
  assertEquals(blobs.length, 1, "the config alone");
});

Deno.test("openImage() gives one layer alone, by number, digest or diffID", async () => {
  await using engine = await createTempEngine();
  const fixture = { layers: [{ a: "below", b: "b" }, { a: "above", b: null }], names: ["app"], gzip: true };
  const { layers, diffIds } = await putImage(engine.store, fixture, call);
  const [, above] = layers;
  for (const layer of [1, above?.digest, diffIds[1]]) {
    await using image = await openImage(engine, { image: "app", ...(layer === undefined ? {} : { layer }) }, call);
    assertEquals(await walked(image), ["file /a 5"]);
  }
  await using base = await openImage(engine, { image: "app", layer: 0 }, call);
  assertEquals(await base.readTextFile("/b"), "b");
  for (const layer of [2, -1, 0.5, `sha256:${"0".repeat(64)}`] as const) {
    const [code, message] = await rejection(() => openImage(engine, { image: "app", layer }, call));
    assertEquals([code, message], ["NOT_FOUND", `Cannot open layer "${layer}" of image "app": it has 2 layers`]);
  }
});
