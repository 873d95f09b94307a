import { assert, assertEquals } from "@std/assert";
import { readImage } from "../core/build/base_image.ts";
import type { BuildInput } from "../core/image/build_input.ts";
import { checkBuild } from "../core/image/check_build.ts";
import { outlineBuild } from "../core/image/outline_build.ts";
import { printDockerfile } from "../core/image/print_dockerfile.ts";
import { printGraph } from "../core/image/print_graph.ts";
import { findImage } from "../core/image/resolve_image.ts";
import { NamePrefix } from "../core/store/names.ts";
import { readTar } from "../core/tar/read.ts";
import { createTestCall } from "./helpers/build_fixture.ts";
import { amd64, arm64, build, buildOne, filesOf, multiStage, namesOf } from "./helpers/build_project.ts";
import { createTempEngine, type TempEngine } from "./helpers/temp_engine.ts";
import { writeFiles } from "./helpers/write_files.ts";

Deno.test("buildImage() gives both images when two processes build in one store at once", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const outputs = await Promise.all(["left", "right"].map((tag) => buildApart(engine, { tags: [tag, "both"] })));
  const ids = outputs.map(({ stdout }) => new TextDecoder().decode(stdout).trim());
  assertEquals(outputs.map(({ code }) => code), [0, 0]);
  const call = createTestCall();
  assertEquals((await findImage(engine, "left", call))?.id, ids[0]);
  assertEquals((await findImage(engine, "right", call))?.id, ids[1]);
  assert(ids.includes((await findImage(engine, "both", call))?.id ?? "none"));
  for (const id of ids) assert(await findImage(engine, id, call) !== undefined);
  assertEquals((await build(engine)).steps.built, 0);
});

Deno.test("buildImage() writes the files of an image when the output is a folder or a tar", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const out = `${engine.directory}/../out`;
  const outputs = [{ type: "local", dest: out }, { type: "tar", dest: `${out}.tar` }] as const;
  const { image, metadata } = await build(engine, { outputs, tags: ["app"] });
  assertEquals([image, metadata], [undefined, {}]);
  assertEquals(await Deno.readTextFile(`${out}/second/hello.txt`), "Hello, world\n");
  assertEquals(await Deno.readTextFile(`${out}/first/a.txt`), "a\n");
  assertEquals(await listTar(`${out}.tar`), ["first/", "first/a.txt", "second/", "second/hello.txt"]);
  assertEquals(await namesOf(engine, NamePrefix.reference), []);
  assertEquals(await namesOf(engine, NamePrefix.image), []);
});

Deno.test("buildImage() writes one folder for each platform when there are several", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, { Dockerfile: "FROM scratch\nARG TARGETARCH\nCOPY <<EOF /$TARGETARCH\nx\nEOF\n" });
  const out = `${engine.directory}/../out`;
  const outputs = [{ type: "local", dest: out }, { type: "tar", dest: `${out}.tar` }] as const;
  await build(engine, { outputs, platforms: [amd64, arm64] });
  assertEquals(await Deno.readTextFile(`${out}/linux_amd64/amd64`), "x\n");
  assertEquals(await Deno.readTextFile(`${out}/linux_arm64/arm64`), "x\n");
  assertEquals(await listTar(`${out}.tar`), [
    "linux_amd64/",
    "linux_amd64/amd64",
    "linux_arm64/",
    "linux_arm64/arm64",
  ]);
});

Deno.test("buildImage() writes archives that hold the image and stores nothing under a name", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, multiStage);
  const out = `${engine.directory}/../out`;
  const outputs = [
    { type: "oci", dest: `${out}.oci` },
    { type: "docker", dest: `${out}.docker` },
    { type: "oci", dest: out, tar: false },
  ] as const;
  const { image } = await build(engine, { outputs, tags: ["app:1"] });
  assert(image !== undefined);
  assertEquals([image.isStored, image.tags], [false, ["docker.io/library/app:1"]]);
  const blob = `blobs/sha256/${image.digest.slice(7)}`;
  assert((await listTar(`${out}.oci`)).includes(blob));
  assert((await listTar(`${out}.docker`)).includes("manifest.json"));
  assert((await Deno.stat(`${out}/${blob}`)).isFile);
  assertEquals(await namesOf(engine, NamePrefix.reference), []);
  assertEquals(await namesOf(engine, NamePrefix.image), []);
});

Deno.test("printGraph() hides the passwords of URLs", async () => {
  await using engine = await createTempEngine();
  const text = "FROM scratch\nADD https://u:secret@h/f https://t0ken@h/r.git /x/\n";
  const context = { type: "directory", path: engine.directory } as const;
  const graphs = await printGraph(engine, { context, file: { type: "text", text } }, createTestCall());
  assert(!/secret|t0ken/.test(JSON.stringify(graphs)));
  assert(JSON.stringify(graphs).includes("https://***@h/f"));
});

Deno.test("checkBuild(), outlineBuild(), printGraph() and printDockerfile() read the build file and build nothing", async () => {
  await using engine = await createTempEngine();
  await writeFiles(engine.directory, { Dockerfile: "ARG A=1\nFROM scratch as One\nCOPY Dockerfile /\n" });
  const input = { context: { type: "directory", path: engine.directory }, platforms: [amd64, arm64] } as const;
  const { checks, isFailed } = await checkBuild(engine, input, createTestCall());
  assertEquals(checks.map(({ rule }) => rule).sort(), ["FromAsCasing", "StageNameCasing"]);
  assertEquals(isFailed, false);
  assertEquals((await outlineBuild(engine, input, createTestCall())).target, "one");
  const graphs = await printGraph(engine, input, createTestCall());
  assertEquals(graphs.map(({ platform }) => platform), [amd64, arm64]);
  assertEquals(
    await printDockerfile(engine, input, createTestCall()),
    "ARG A=1\n\nFROM scratch as One\nCOPY Dockerfile /\n",
  );
  assertEquals(await namesOf(engine, ""), []);
});

Deno.test("buildImage() builds examples/hello", async () => {
  await using engine = await createTempEngine();
  const path = new URL("../examples/hello", import.meta.url).pathname;
  const image = await buildOne(engine, { context: { type: "directory", path }, args: { GREETING: "strata" } });
  const files = await filesOf(engine, image.descriptor);
  assertEquals(files["srv/site/hello.txt"], "Hello, strata!\n");
  assertEquals(Object.keys(files).filter((name) => name.includes("draft")), []);
  const { config } = await readImage(engine.store, image.descriptor, createTestCall());
  assertEquals(config.config?.Labels?.["org.opencontainers.image.description"], "A text site that greets strata");
  assertEquals(config.config?.WorkingDir, "/srv/site");
  assertEquals(config.config?.Healthcheck?.Interval, 30_000_000_000);
});

async function buildApart(engine: TempEngine, more: Partial<BuildInput>): Promise<Deno.CommandOutput> {
  const input = { context: { type: "directory", path: engine.directory }, platforms: [amd64], ...more };
  const script = new URL("helpers/build_process.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--no-check", script, engine.config.root, JSON.stringify(input)];
  return await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
}

async function listTar(path: string): Promise<string[]> {
  using file = await Deno.open(path);
  const names: string[] = [];
  for await (const entry of readTar(file.readable, createTestCall())) {
    names.push(entry.type === "directory" ? `${entry.path}/` : entry.path);
  }
  return names.sort();
}
