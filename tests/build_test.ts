import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { readImage } from "../core/build/base_image.ts";
import { EngineError } from "../core/errors.ts";
import { buildImage } from "../core/image/build.ts";
import { findImage } from "../core/image/resolve_image.ts";
import { readIndex } from "../core/oci/validate.ts";
import { NamePrefix } from "../core/store/names.ts";
import { collect } from "../core/stream/collect.ts";
import { createTestCall } from "./helpers/build_fixture.ts";
import { amd64, arm64, build, buildOne, filesOf, multiStage, namesOf } from "./helpers/build_project.ts";
import { createMemoryRegistry } from "./helpers/memory_registry.ts";
import { createTempEngine, type TempEngine } from "./helpers/temp_engine.ts";
import { writeFiles } from "./helpers/write_files.ts";

Deno.test("buildImage() gives an image of several stages when all is well", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const { image, steps, metadata } = await build(engine, { tags: ["app:1", "x.test/app"], args: { WHO: "you" } });
  assert(image !== undefined);
  assertEquals(steps, { total: 3, cached: 0, built: 3 });
  assertEquals(await filesOf(engine, image.descriptor), {
    "first": "directory",
    "first/a.txt": "a\n",
    "second": "directory",
    "second/hello.txt": "Hello, you\n",
  });
  assertEquals(image.tags, ["docker.io/library/app:1", "x.test/app:latest"]);
  assertEquals(image.familiarTags, ["app:1", "x.test/app:latest"]);
  const { config } = await readImage(engine.store, image.descriptor, createTestCall());
  assertEquals(config.config?.Labels, { kind: "test" });
  assertEquals(config.created, "2024-01-02T03:04:05.000Z");
  assertEquals(metadata["containerimage.digest"], image.digest);
  assertEquals(metadata["containerimage.config.digest"], image.id);
  assertEquals(metadata["image.name"], "docker.io/library/app:1,x.test/app:latest");
});

Deno.test("buildImage() gives the same image and builds nothing when nothing changed", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const first = await build(engine);
  await using later = await reopen(engine, new Date("2025-05-05T05:05:05Z"));
  const second = await build(later);
  assertEquals(second.steps, { total: 3, cached: 3, built: 0 });
  assertEquals(second.image, first.image);
});

Deno.test("buildImage() builds what depends on a changed file and nothing else when one changed", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const first = await buildOne(engine);
  await writeFiles(engine.directory, { "a.txt": "changed\n", "not-copied.txt": "x" });
  const second = await build(engine);
  // The copy from the other stage follows the changed one; the stage itself does not.
  assertEquals(second.steps, { total: 3, cached: 1, built: 2 });
  assertNotEquals(second.image?.id, first.id);
});

Deno.test("buildImage() keeps the cache when only the time of a file changed", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const first = await buildOne(engine);
  await Deno.utime(`${engine.directory}/a.txt`, 1000, 1000);
  const second = await build(engine);
  assertEquals(second.steps.built, 0);
  assertEquals(second.image?.id, first.id);
});

Deno.test("buildImage() gives another image and reuses every layer when only the config changed", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const first = await buildOne(engine);
  const second = await build(engine, { labels: { more: "1" } });
  assertEquals(second.steps.built, 0);
  assertNotEquals(second.image?.id, first.id);
  assertEquals(second.image?.platforms[0]?.diffIds, first.platforms[0]?.diffIds);
});

Deno.test("buildImage() builds every step, or those of one stage, when the cache may not be used", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  await build(engine);
  assertEquals((await build(engine, { noCache: true })).steps, { total: 3, cached: 0, built: 3 });
  assertEquals((await build(engine, { noCache: ["ONE"] })).steps, { total: 3, cached: 2, built: 1 });
});

Deno.test("buildImage() leaves an image dangling when its only name is taken by another", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const first = await buildOne(engine, { tags: ["app"] });
  const second = await buildOne(engine, { tags: ["app"], labels: { other: "1" } });
  const call = createTestCall();
  assertEquals((await findImage(engine, "app", call))?.id, second.id);
  assertEquals((await findImage(engine, first.id, call))?.names, []);
  assertEquals((await findImage(engine, first.alias, call))?.id, first.id);
});

Deno.test("buildImage() gives a dangling image that its alias finds when there is no tag", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, { Dockerfile: "FROM scratch\nENV A=1\n" });
  const image = await buildOne(engine);
  assertEquals(image.platforms[0]?.diffIds, []);
  assertEquals(await namesOf(engine, NamePrefix.reference), []);
  assertEquals(await namesOf(engine, NamePrefix.image), [`image/${image.id}`]);
  assert(/^[a-z]+_[a-z]+$/.test(image.alias));
});

Deno.test("buildImage() builds on an image of the store by name, ID and alias", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const base = await buildOne(engine, { tags: ["base:1"], labels: { from: "base" } });
  for (const name of ["base:1", base.id, base.id.slice(7, 19), base.alias]) {
    const file = { type: "text", text: `FROM ${name}\nCOPY a.txt /more.txt\n` } as const;
    const image = await buildOne(engine, { file });
    const { config } = await readImage(engine.store, image.descriptor, createTestCall());
    assertEquals(config.config?.Labels, { from: "base", kind: "test" });
    assertEquals(config.rootfs.diff_ids.length, 3);
    assertEquals(config.history?.length, 4);
  }
});

Deno.test("buildImage() rejects NOT_FOUND with a hint when the base image is neither in the store nor in its registry", async () => {
  await using engine = await createTempEngine({ plugins: createMemoryRegistry().plugins });
  const file = { type: "text", text: "FROM alpine:3\n" } as const;
  const error = await assertRejects(() => build(engine, { file }), EngineError, "alpine:3");
  assertEquals(error.code, "NOT_FOUND");
  assert(error.hint !== undefined);
});

Deno.test("buildImage() rejects UNSUPPORTED when a command is to have a device", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, {
    Dockerfile: "FROM scratch\nCOPY Dockerfile /\nRUN --device=vendor.com/gpu make\n",
  });
  const error = await assertRejects(() => build(engine, {}, createTestCall()), EngineError, "vendor.com/gpu");
  assertEquals(error.code, "UNSUPPORTED");
  assertEquals((error.detail.range as { line: number }).line, 3);
  assertEquals(await namesOf(engine, "image/"), []);
});

Deno.test("buildImage() gives an index when there are several platforms", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, {
    Dockerfile: "FROM scratch\nARG TARGETARCH\nCOPY <<EOF /arch\n$TARGETARCH\nEOF\n",
  });
  const annotations = [
    { scope: "index", key: "on", value: "index" },
    { scope: "manifest", platform: arm64, key: "on", value: "arm64" },
  ] as const;
  const image = await buildOne(engine, { platforms: [arm64, amd64, arm64], tags: ["multi"], annotations });
  const index = readIndex(await collect(await engine.store.open(image.descriptor, createTestCall()), 1 << 20));
  assertEquals(index.annotations, { on: "index" });
  assertEquals(index.manifests.map(({ platform }) => platform), [arm64, amd64]);
  assertEquals(image.id, image.digest);
  const contents = await Promise.all(index.manifests.map((manifest) => filesOf(engine, manifest)));
  assertEquals(contents, [{ arch: "arm64\n" }, { arch: "amd64\n" }]);
  const marks = await Promise.all(
    index.manifests.map(async (manifest) =>
      (await readImage(engine.store, manifest, createTestCall())).manifest.annotations
    ),
  );
  assertEquals(marks, [{ on: "arm64" }, undefined]);
  const again = await build(engine, { platforms: [arm64, amd64], tags: ["multi"], annotations });
  assertEquals(again.image, image);
});

Deno.test("buildImage() gives identical bytes in two stores when there is a source date epoch", async () => {
  const digests: string[] = [];
  for (const time of ["2024-01-01T00:00:00Z", "2026-06-06T06:06:06Z"]) {
    await using engine = await createTempEngine({
      config: { sourceDateEpoch: 1_700_000_000 },
      clock: () => new Date(time),
    });
    await writeFiles(engine.directory, { ...multiStage, Dockerfile: `${multiStage.Dockerfile}\nWORKDIR /made\n` });
    const image = await buildOne(engine);
    const { config } = await readImage(engine.store, image.descriptor, createTestCall());
    assertEquals(config.created, "2023-11-14T22:13:20.000Z");
    assert(config.history?.every(({ created }) => created === config.created) === true);
    digests.push(image.digest);
  }
  assertEquals(digests[0], digests[1]);
});

Deno.test("buildImage() gives identical layers in two stores when there is no source date epoch", async () => {
  const layers: (readonly string[] | undefined)[] = [];
  for (const time of ["2024-01-01T00:00:00Z", "2026-06-06T06:06:06Z"]) {
    await using engine = await createTempEngine({ clock: () => new Date(time) });
    await writeFiles(engine.directory, { ...multiStage, Dockerfile: `${multiStage.Dockerfile}\nWORKDIR /made\n` });
    await Deno.utime(`${engine.directory}/a.txt`, 1000, 1000);
    layers.push((await buildOne(engine)).platforms[0]?.diffIds);
  }
  assertEquals(layers[0], layers[1]);
});

Deno.test("buildImage() names nothing when it is canceled", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const controller = new AbortController();
  const call = createTestCall(controller.signal);
  const aborting = { ...call, emit: (event: { type: string }) => event.type === "step-started" && controller.abort() };
  const input = { context: { type: "directory", path: engine.directory }, tags: ["app"] } as const;
  const error = await assertRejects(
    () => buildImage(engine, input, { ...call, emit: (e) => void aborting.emit(e) }),
    EngineError,
  );
  assertEquals(error.code, "CANCELED");
  assertEquals(await namesOf(engine, NamePrefix.reference), []);
  assertEquals(await namesOf(engine, NamePrefix.image), []);
});

Deno.test("buildImage() rejects INVALID_ARGUMENT when a tag or an epoch is wrong", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, { Dockerfile: "FROM scratch\n" });
  const digest = `sha256:${"a".repeat(64)}`;
  for (const more of [{ tags: ["UPPER"] }, { tags: [`a@${digest}`] }, { args: { SOURCE_DATE_EPOCH: "now" } }]) {
    const error = await assertRejects(() => build(engine, more), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT");
  }
});

Deno.test("buildImage() takes dockerfile when there is no Dockerfile, and rejects NOT_FOUND without both", async () => {
  await using engine = await createTempEngine();
  const error = await assertRejects(() => build(engine), EngineError, "Dockerfile");
  assertEquals(error.code, "NOT_FOUND");
  await writeFiles(engine.directory, { dockerfile: "FROM scratch\nLABEL a=b\n" });
  assertEquals((await buildOne(engine)).platforms.length, 1);
});

Deno.test("buildImage() copies from named contexts: a folder with its own ignore file, and an image", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, {
    "main/Dockerfile": "FROM scratch\nCOPY --from=extra / /extra/\nCOPY --from=img /first /img\n",
    "extra/kept.txt": "kept",
    "extra/left.txt": "left",
    "extra/.dockerignore": "left.txt\n.dockerignore\n",
    "base/Dockerfile": multiStage.Dockerfile,
    "base/a.txt": "a\n",
  });
  const folder = (name: string) => ({ type: "directory", path: `${engine.directory}/${name}` }) as const;
  await build(engine, { context: folder("base"), tags: ["base"] });
  const image = await buildOne(engine, {
    context: folder("main"),
    contexts: { extra: folder("extra"), img: { type: "image", reference: "base" } },
  });
  assertEquals(await filesOf(engine, image.descriptor), {
    "extra": "directory",
    "extra/kept.txt": "kept",
    "img": "directory",
    "img/a.txt": "a\n",
  });
});

Deno.test("buildImage() takes a folder in place of a base image when a named context says so", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, { "main/Dockerfile": "FROM root\nENV A=1\n", "root/etc/motd": "hi\n" });
  const folder = (name: string) => ({ type: "directory", path: `${engine.directory}/${name}` }) as const;
  const image = await buildOne(engine, { context: folder("main"), contexts: { root: folder("root") } });
  assertEquals(await filesOf(engine, image.descriptor), { "etc": "directory", "etc/motd": "hi\n" });
});

/** Another engine on the same store, at another time. */
async function reopen(engine: TempEngine, now: Date): Promise<TempEngine> {
  await Promise.resolve();
  return { ...engine, clock: () => now, [Symbol.asyncDispose]: () => Promise.resolve() };
}
