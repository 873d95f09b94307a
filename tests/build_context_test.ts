import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../core/errors.ts";
import { readStreamedContext } from "../core/image/streamed_context.ts";
import { streamOf } from "../core/stream/byte_stream.ts";
import { createTestCall } from "./helpers/build_fixture.ts";
import { amd64, arm64, build, buildOne, filesOf, multiStage } from "./helpers/build_project.ts";
import { putImage } from "./helpers/image_fixture.ts";
import { rawTar } from "./helpers/raw_tar.ts";
import { createTempEngine } from "./helpers/temp_engine.ts";
import { writeFiles } from "./helpers/write_files.ts";

Deno.test("buildImage() copies files out of compressed layers of a stored image", async () => {
  await using engine = await createTempEngine();
  const layers = [{ "etc/": "", "etc/a": "one", "etc/b": "gone" }, { "etc/a": "two", "etc/b": null }];
  await putImage(engine.store, { layers, names: ["docker.io/library/base:latest"], gzip: true }, createTestCall());
  const text = "FROM base\nCOPY --from=base /etc /copy\n";
  const image = await buildOne(engine, { file: { type: "text", text } });
  assertEquals(await filesOf(engine, image.descriptor), {
    "etc": "directory",
    "etc/a": "two",
    "copy": "directory",
    "copy/a": "two",
  });
  assertEquals((await build(engine, { file: { type: "text", text } })).image, image);
});

Deno.test("buildImage() reads an image layout folder when a named context says so", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const path = `${engine.directory}/../layout`;
  const outputs = [{ type: "oci", dest: path, tar: false }] as const;
  await build(engine, { outputs, tags: ["app:1"], platforms: [amd64, arm64] });
  const file = { type: "text", text: "FROM lay\nCOPY --from=lay /first /again\n" } as const;
  const image = await buildOne(engine, { file, contexts: { lay: { type: "oci-layout", path, reference: "1" } } });
  assertEquals((await filesOf(engine, image.descriptor))["again/a.txt"], "a\n");
  const wrong = { lay: { type: "oci-layout", path, reference: "2" } } as const;
  const error = await assertRejects(() => build(engine, { file, contexts: wrong }), EngineError, "layout:2");
  assertEquals(error.code, "NOT_FOUND");
});

Deno.test("buildImage() takes the build file of an archive when the context is one", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, { ...multiStage, "sub/other.Dockerfile": "FROM scratch\nCOPY a.txt /only\n" });
  const tar = `${engine.directory}/../context.tar`;
  await build(engine, {
    file: { type: "text", text: "FROM scratch\nCOPY . /\n" },
    outputs: [{ type: "tar", dest: tar }],
  });
  const bytes = await Deno.readFile(tar);
  const first = await readStreamedContext(streamOf(bytes));
  const image = await buildOne(engine, { context: first.context });
  assertEquals((await filesOf(engine, image.descriptor))["first/a.txt"], "a\n");
  const second = await readStreamedContext(streamOf(bytes));
  const file = { type: "path", path: "sub/other.Dockerfile" } as const;
  assertEquals(await filesOf(engine, (await buildOne(engine, { context: second.context, file })).descriptor), {
    only: "a\n",
  });
});

Deno.test("buildImage() takes an archive whole when it holds ignore files", async () => {
  await using engine = await createTempEngine();
  const stream = streamOf(rawTar([
    { name: "Dockerfile", text: "FROM scratch\nCOPY . /all/\n" },
    { name: "Dockerfile.dockerignore", text: "a.txt\n" },
    { name: ".dockerignore", text: "a.txt\n" },
    { name: "a.txt", text: "a\n" },
  ]));
  const image = await buildOne(engine, { context: { type: "tar", stream } });
  assertEquals((await filesOf(engine, image.descriptor))["all/a.txt"], "a\n");
});

Deno.test("buildImage() has no files when the context is a build file from a stream", async () => {
  await using engine = await createTempEngine();
  const text = new TextEncoder().encode("FROM scratch\nLABEL a=b\n");
  const { context, file } = await readStreamedContext(streamOf(text));
  assert(file !== undefined);
  assertEquals((await buildOne(engine, { context, file })).platforms[0]?.diffIds, []);
});
