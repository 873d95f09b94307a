/** The compile task, where no run-time can be downloaded; and what it finds out about a program. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { tempFolder } from "../helpers/strata.ts";
import { compileProgram } from "./compile.ts";
import { readEmbedded } from "./embedded.ts";
import { stageProgram } from "./stage.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** A small program with an import that is made later, a thread, and a file that nothing needs. */
const program = {
  "repository/deno.json": JSON.stringify({
    version: "1.0.0",
    unstable: ["lazy-dynamic-imports"],
    imports: { "@/late": "./core/late.ts", "unused": "npm:hono@4.13.19" },
  }),
  "repository/deno.lock": '{ "version": "5" }',
  "repository/cli.ts": `import type { Word } from "./core/word.ts";
const word: Word = (await import("@/late")).word;
console.log(word);`,
  "repository/core/late.ts":
    `export const word = "late";\nexport const start = () => new Worker(new URL("./thread.ts", import.meta.url).href, { type: "module" });`,
  "repository/core/word.ts": "export type Word = string;",
  "repository/core/thread.ts": `import "./below.ts";\nnew Worker(new URL("./second.ts", import.meta.url).href);`,
  "repository/core/below.ts": "export const below = 1;",
  "repository/core/second.ts": "export const second = 2;",
  "repository/core/late_test.ts": "throw new Error('not part of it');",
};

Deno.test("a program is staged with what it imports later and its threads, and without what it does not need", async () => {
  await using folder = await tempFolder();
  await folder.write(program);
  const staged = await stageProgram(`${folder.path}/repository`, `${folder.path}/stage`, "abc");
  assertEquals(staged.files, [
    "cli.ts",
    "core/below.ts",
    "core/late.ts",
    "core/second.ts",
    "core/thread.ts",
    "core/word.ts",
  ]);
  assertEquals(staged.workers, ["core/second.ts", "core/thread.ts"]);
  assertEquals(staged.packages, []);
  const { imports, unstable } = JSON.parse(await Deno.readTextFile(`${folder.path}/stage/deno.json`));
  assertEquals([imports, unstable], [{ "@/late": "./core/late.ts" }, ["lazy-dynamic-imports"]]);

  await folder.write({ "repository/core/below.ts": `import "./gone.ts";` });
  await assertRejects(
    () => stageProgram(`${folder.path}/repository`, `${folder.path}/again`, "abc"),
    TypeError,
    "core/gone.ts",
  );
});

Deno.test("what is compiled holds every staged file and is told what it may do; types that are wrong fail", async () => {
  await using folder = await tempFolder();
  await folder.write(program);
  const staged = await stageProgram(`${folder.path}/repository`, `${folder.path}/stage`, "abc");
  const output = `${folder.path}/compiled`;
  const runtime = Deno.realPathSync(Deno.execPath());
  assertEquals(await compileProgram(staged, { output, runtime }), { type: "made" });
  const { files, metadata } = readEmbedded(await Deno.readFile(output));
  assertEquals([...files.keys()].sort(), [...staged.files, "commit.txt"].sort());
  assertEquals(new TextDecoder().decode(files.get("commit.txt")), "abc\n");
  assertEquals(metadata.permissions.prompt, false);
  assert(metadata.v8_flags.includes("--disallow-code-generation-from-strings"));
  await assertRejects(async () => readEmbedded(await Deno.readFile(`${folder.path}/stage/cli.ts`)), TypeError);

  await Deno.writeTextFile(`${folder.path}/stage/core/late.ts`, "export const word: string = 1;");
  const failed = await compileProgram(staged, { output, runtime });
  assert(failed.type === "failed");
  assertMatch(failed.output, /TS2322/);
});

async function compileTask(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `--config=${root}/deno.json`, `${root}/tests/compile/main.ts`, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, text: new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout) };
}

Deno.test("without a download the task makes nothing, says so, checks what it can, and exits with 3", async () => {
  await using folder = await tempFolder();
  // A cache without run-times, and nobody who fetches them; packages are those of this machine.
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stderr: "null" }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout));
  await Deno.mkdir(`${folder.path}/cache`);
  await Deno.symlink(npmCache, `${folder.path}/cache/npm`);
  const env = {
    DENO_DIR: `${folder.path}/cache`,
    HTTPS_PROXY: "http://127.0.0.1:1",
    DENORT_BIN: "",
  };
  const output = `${folder.path}/out`;
  const { code, text } = await compileTask(env, "--target", "macos-arm64", `--output=${output}`);
  assertEquals(code, 3, text);
  assertMatch(text, /^No binary was made: .*cannot be downloaded/);
  assertMatch(text, /denort of Deno \S+ for aarch64-apple-darwin/);
  assertMatch(text, /types are right, and \d{3,} modules are inside/);
  assertMatch(text, /kept to its permissions in each kind of sandbox: worker, process/);
  assertMatch(text, /Not checked: the run-time itself/);
  await assertRejects(() => Deno.stat(output), Deno.errors.NotFound);
});

Deno.test("what is no run-time makes no binary", async () => {
  await using folder = await tempFolder();
  const output = `${folder.path}/out`;
  const { code, text } = await compileTask({ DENORT_BIN: Deno.realPathSync(Deno.execPath()) }, "--output", output);
  assertEquals(code, 1, text);
  await assertRejects(() => Deno.stat(output), Deno.errors.NotFound);
});

Deno.test("a target or an option that is not known is wrong use", async () => {
  for (const args of [["--target", "plan9"], ["--fast"], ["--or-check=1"]]) {
    const { code, text } = await compileTask({}, ...args);
    assertEquals(code, 2, text);
    assertMatch(text, /is not known\n[^]*--target NAME/);
  }
});
