import { assertEquals, assertNotEquals } from "@std/assert";
import { createTempEngine } from "../../tests/helpers/temp_engine.ts";
import { StoreAnnotation } from "../store/names.ts";
import type { BuildInput } from "./build_input.ts";
import { type BuildRecord, folderMode, readAgain, readRecord, recordName, writeRecord } from "./build_record.ts";

const input: BuildInput = { context: { type: "directory", path: "/context" }, tags: ["app"] };
const hex = "0".repeat(64);

const record: BuildRecord = {
  context: { path: "/context", mode: 0o755 },
  files: [],
  names: [],
  blobs: [],
  tree: [],
  runsCommands: false,
  events: [],
  result: {
    image: {
      id: `sha256:${hex}`,
      descriptor: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${hex}`, size: 2 },
      digest: `sha256:${hex}`,
      alias: "a_b",
      tags: [],
      familiarTags: [],
      isStored: true,
      pushed: [],
      platforms: [],
    },
    steps: { total: 0, cached: 0, built: 0 },
    warnings: [],
    metadata: {},
  },
};

Deno.test("recordName() is the same for the same build, and another one for every other input", async () => {
  await using engine = await createTempEngine();
  const name = await recordName(engine, input);
  assertEquals(await recordName(engine, { ...input }), name);
  const others: readonly Partial<BuildInput>[] = [
    { context: { type: "directory", path: "/other" } },
    { file: { type: "path", path: "/context/Dockerfile" } },
    { file: { type: "text", text: "FROM scratch" } },
    { tags: ["app", "b"] },
    { args: { a: "b" } },
    { target: "t" },
    { platforms: [{ os: "linux", architecture: "s390x" }] },
    { labels: { a: "b" } },
    { run: { network: "none" } },
  ];
  const names = await Promise.all(others.map((more) => recordName(engine, { ...input, ...more })));
  assertEquals(new Set([name, ...names]).size, others.length + 1);
  assertEquals(names.includes(undefined), false);
});

Deno.test("recordName() is undefined for a build that reads or gives what a record cannot tell of", async () => {
  await using engine = await createTempEngine();
  const others: readonly Partial<BuildInput>[] = [
    { context: { type: "git", url: "https://example.test/a.git" } },
    { context: { type: "url", url: "https://example.test/a.tar" } },
    { noCache: true },
    { noCache: ["stage"] },
    { pull: true },
    { outputs: [{ type: "local", dest: "/out" }] },
    { outputs: [{ type: "image", push: {} }] },
    { cacheFrom: [{ type: "local", src: "/c", name: "latest" }] },
    { cacheTo: [{ type: "local", dest: "/c", name: "latest", mode: "max", ignoreError: false }] },
    { contexts: { a: { type: "image", reference: "base" } } },
    { platforms: [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }] },
    { run: { secrets: { a: { type: "value", value: "b" } } } },
    { run: { agents: { default: "/socket" } } },
    { run: { onFailure: "shell" } },
  ];
  for (const more of others) assertEquals(await recordName(engine, { ...input, ...more }), undefined);
});

Deno.test("readRecord() gives what writeRecord() was given, and nothing when a byte of it is another", async () => {
  const descriptor = await writeRecord(record);
  assertEquals(await readRecord(descriptor), record);
  const text = descriptor.annotations?.[StoreAnnotation.buildRecord] ?? "";
  for (const damaged of ["", text.slice(0, -1), text.replace("a_b", "a_c")]) {
    const annotations = { ...descriptor.annotations, [StoreAnnotation.buildRecord]: damaged };
    assertEquals(await readRecord({ ...descriptor, annotations }), undefined);
  }
  const { annotations: _, ...bare } = descriptor;
  assertEquals(await readRecord(bare), undefined);
});

Deno.test("readAgain() tells a file, an absent one, and what is neither", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/file`, "text");
    await Deno.symlink("file", `${folder}/link`);
    const read = (name: string, isOfContext: boolean): string | null | undefined => {
      const bytes = readAgain({ path: `${folder}/${name}`, isOfContext });
      return bytes === undefined || bytes === null ? bytes : new TextDecoder().decode(bytes);
    };
    assertEquals([read("file", true), read("file", false)], ["text", "text"]);
    assertEquals([read("absent", true), read("absent", false)], [null, null]);
    assertEquals([read("link", true), read("link", false)], [undefined, "text"]);
    assertEquals(read(".", true), undefined);
    assertNotEquals(folderMode(folder), undefined);
    assertEquals([folderMode(`${folder}/file`), folderMode(`${folder}/absent`)], [undefined, undefined]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
