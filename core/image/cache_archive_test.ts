/** `cache export` and `cache import`, which are each other's opposite. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { makeMount, mountFiles, takeMount } from "../../tests/helpers/cache_mount.ts";
import { gzip, type RawMember, rawTar } from "../../tests/helpers/raw_tar.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { mountName } from "../snapshot/mount_place.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { exportCache } from "./cache_export.ts";
import { importCache } from "./cache_import.ts";
import { listCache } from "./cache_list.ts";

const call = testCall();

async function failure(run: () => Promise<unknown>): Promise<EngineError> {
  return await assertRejects(run, EngineError);
}

async function exported(engine: TempEngine, ...mounts: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const output = `${engine.directory}/cache.tar`;
  await exportCache(engine, { mounts, output }, call);
  return await Deno.readFile(output);
}

function importing(engine: TempEngine, bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
  return importCache(engine, { content: streamOf(bytes), label: "c.tar" }, call);
}

Deno.test("exportCache() writes what importCache() reads, the times included", async () => {
  await using from = await createTempEngine({ clock: () => new Date("2023-05-01T10:00:00.123Z") });
  await makeMount(from, "npm", { files: { "a/b": "1", ".wh.c": "2" } });
  await makeMount(from, "go");
  const bytes = await exported(from);
  await using to = await createTempEngine();
  for (const archive of [bytes, await gzip(bytes)]) {
    const content = streamOf(archive);
    assertEquals([...(await importCache(to, { content }, call)).ids].sort(), ["go", "npm"]);
    assertEquals(mountFiles(to, "npm"), { "a/b": "1", ".wh.c": "2" });
    assertEquals((await listCache(to, call)).mounts, (await listCache(from, call)).mounts);
  }
});

Deno.test("exportCache() gives equal bytes for equal mounts, and only those asked for", async () => {
  await using engine = await createTempEngine();
  await makeMount(engine, "npm");
  await makeMount(engine, "go");
  assertEquals(await exported(engine, "go"), await exported(engine, await mountName("go")));
  await using other = await createTempEngine();
  await importing(other, await exported(engine, "go"));
  assertEquals((await listCache(other, call)).mounts.map(({ id }) => id), ["go"]);
  assertEquals(await exported(other), await exported(engine, "go"));
});

Deno.test("exportCache() writes an archive also when there are no mounts", async () => {
  await using engine = await createTempEngine();
  assertEquals((await exported(engine)).length, 1024);
  assertEquals(await importCache(engine, { content: streamOf(await exported(engine)) }, call), { ids: [] });
});

Deno.test("exportCache() rejects NOT_FOUND and CONFLICT and writes nothing", async () => {
  await using engine = await createTempEngine();
  const missing = await failure(() => exported(engine, "npm"));
  assertEquals([missing.code, missing.message], ["NOT_FOUND", 'Cannot find cache mount "npm": no such id or name']);
  using _lease = await takeMount(engine, "npm");
  const busy = await failure(() => exported(engine));
  assertEquals([busy.code, busy.message], ["CONFLICT", 'Cannot export cache mount "npm": it is in use']);
  assertEquals([...Deno.readDirSync(engine.directory)], []);
});

Deno.test("importCache() replaces mounts as a whole, unless one of them is in use", async () => {
  await using from = await createTempEngine();
  await makeMount(from, "a", { files: { new: "1" } });
  await makeMount(from, "b", { files: { new: "1" } });
  const bytes = await exported(from);
  await using to = await createTempEngine();
  await makeMount(to, "a", { files: { old: "1" } });
  const busy = await takeMount(to, "b", { files: { old: "1" } });
  const error = await failure(() => importing(to, bytes));
  assertEquals([error.code, error.message], ["CONFLICT", 'Cannot replace cache mount "b": it is in use']);
  assertEquals([mountFiles(to, "a"), mountFiles(to, "b")], [{ old: "1" }, { old: "1" }]);
  busy[Symbol.dispose]();
  await importing(to, bytes);
  assertEquals([mountFiles(to, "a"), mountFiles(to, "b")], [{ new: "1" }, { new: "1" }]);
  const names = [...Deno.readDirSync(`${to.config.root}/mounts`)].map(({ name }) => name);
  assertEquals(names.filter((name) => /^(new|old)-/.test(name)), []);
});

const name = await mountName("m");
const meta = { version: 1, id: "m", createdAt: "2024-01-01T00:00:00Z", lastUsedAt: "2024-01-01T00:00:00Z" };
const top: readonly RawMember[] = [
  { name: `mounts/${name}/meta.json`, text: JSON.stringify(meta) },
  { name: `mounts/${name}/data/`, type: "5", mode: 0o755 },
];
const at = (path: string): string => `mounts/${name}/data/${path}`;

const hostile: readonly (readonly [what: string, members: readonly RawMember[], state: string])[] = [
  ["a path that leads out", [...top, { name: "mounts/../../escape" }], "leads outside the archive"],
  ["an absolute path", [...top, { name: "/etc/escape" }], "expected nothing but cache mounts"],
  ["a path beside the mounts", [...top, { name: "snapshots/x" }], "expected nothing but cache mounts"],
  ["a path beside the data", [...top, { name: `mounts/${name}/escape` }], "expected nothing but cache mounts"],
  ["a path out of its mount", [...top, { name: at("../../x/escape") }], "expected nothing but cache mounts"],
  ["a mount of another name", [{ name: "mounts/x/data/", type: "5" }], "expected nothing but cache mounts"],
  [
    "a file below a symlink",
    [...top, { name: at("l"), type: "2", link: "../../.." }, { name: at("l/escape") }],
    "a symbolic link or a file is in its way",
  ],
  [
    "a symlink in place of the data",
    [...top.slice(0, 1), { name: at("").slice(0, -1), type: "2", link: ".." }],
    "it is no directory",
  ],
  [
    "a hard link out of its mount",
    [...top, { name: at("l"), type: "1", link: "mounts/../../escape" }],
    "leads outside the archive",
  ],
  [
    "a hard link to another mount",
    [...top, { name: at("l"), type: "1", link: `mounts/${name}-1/data/f` }],
    "it links to something outside of its mount",
  ],
  [
    "a hard link to the record",
    [...top, { name: at("l"), type: "1", link: `mounts/${name}/meta.json` }],
    "it links to something outside of its mount",
  ],
  ["a hard link through a symlink", [...top, { name: at("s"), type: "2", link: ".." }, {
    name: at("l"),
    type: "1",
    link: at("s/meta.json"),
  }], "a symbolic link or a file is in its way"],
  [
    "a hard link to what is missing",
    [...top, { name: at("l"), type: "1", link: at("f") }],
    "what it lies in or links to is missing",
  ],
  ["a file without its directory", [...top, { name: at("d/f") }], "what it lies in or links to is missing"],
  ["a path that comes twice", [...top, { name: at("f") }, { name: at("f") }], "it comes twice"],
  ["a mount without its record", [...top.slice(1)], "it has no meta.json"],
  ["the record of another id", [{
    ...top[0],
    name: `mounts/${name}/meta.json`,
    text: JSON.stringify({ ...meta, id: "other" }),
  }], "it does not describe a cache mount"],
  ["a damaged record", [{ name: `mounts/${name}/meta.json`, text: "{" }], "it does not describe a cache mount"],
  [
    "a symlink as record",
    [{ name: `mounts/${name}/meta.json`, type: "2", link: "/etc/passwd" }],
    "it does not describe a cache mount",
  ],
];

for (const [what, members, state] of hostile) {
  Deno.test(`importCache() rejects INVALID_ARGUMENT for ${what}, and nothing is changed`, async () => {
    await using engine = await createTempEngine();
    await makeMount(engine, "m", { files: { kept: "1" } });
    const error = await failure(() => importing(engine, rawTar(members)));
    assertEquals([error.code, error.message.startsWith('Cannot import cache "c.tar": ')], ["INVALID_ARGUMENT", true]);
    assertStringIncludes(error.message, state);
    assertStringIncludes(error.hint ?? "", "strata cache export");
    assertEquals(mountFiles(engine, "m"), { kept: "1" });
    const left = [...Deno.readDirSync(`${engine.config.root}/mounts`)].map((entry) => entry.name);
    assertEquals(left.sort(), [name, `${name}.lock`, "lock"].sort());
  });
}

Deno.test("importCache() rejects INVALID_ARGUMENT for a cut off archive and for none, and nothing is changed", async () => {
  await using engine = await createTempEngine();
  await makeMount(engine, "m");
  const whole = await exported(engine);
  for (const bytes of [whole.slice(0, 700), new Uint8Array(2000).fill(0x41), new TextEncoder().encode("text")]) {
    assertEquals((await failure(() => importing(engine, bytes))).code, "INVALID_ARGUMENT");
  }
  assertEquals(mountFiles(engine, "m"), { file: "m" });
});
