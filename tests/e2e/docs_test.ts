/** Every command that a page shows is run, and what is generated is up to date. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parseConfig } from "../../core/config_file.ts";
import { mustRun, runStrata, strataCommand, tempFolder } from "../helpers/strata.ts";
import { cliPage, renderCliPage } from "../helpers/write_docs.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");

async function page(name: string): Promise<string> {
  return await Deno.readTextFile(`${root}/${name}`);
}

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) =>
    match[1] ?? ""
  );
}

async function run(script: string, env: Record<string, string>): Promise<string> {
  const output = await new Deno.Command("sh", { args: ["-ec", script], cwd: root, env, stdin: "null" }).output();
  const text = new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
  assertEquals(output.code, 0, `${script}\n${text}`);
  return text;
}

Deno.test("README's first command builds the example and shows it", async () => {
  await using folder = await tempFolder();
  const [first = ""] = blocks(await page("README.md"), "sh");
  assertStringIncludes(first, "npx -y deno@2.9.6 run -A cli.ts build -t hello examples/hello");
  const text = await run(first, { STRATA_ROOT: folder.path });
  assertStringIncludes(text, "hello        latest");
});

Deno.test("README's second command is the one that CI runs", async () => {
  const second = blocks(await page("README.md"), "sh")[1]?.trim() ?? "";
  assertEquals(second, "npx -y deno@2.9.6 task test");
  assertStringIncludes(await page(".ci/run"), 'npx -y "deno@$version" task test');
  assertStringIncludes(await page(".ci/run"), "version=2.9.6");
});

Deno.test("README's ten commands run in their order", async () => {
  await using folder = await tempFolder();
  const script = blocks(await page("README.md"), "sh").find((block) => block.startsWith("strata build")) ?? "";
  assertEquals(script.trim().split("\n").length, 10);
  const command = strataCommand().map((word) => `'${word}'`).join(" ");
  const inFolder = script.replace("hello.tar", `${folder.path}/hello.tar`);
  await run(`strata() { ${command} "$@"; }\n${inFolder}`, { STRATA_ROOT: `${folder.path}/root` });
});

Deno.test("README's plugin is twenty lines and something, type-checks, and builds an image through the config", async () => {
  await using folder = await tempFolder();
  const source = blocks(await page("README.md"), "ts").find((block) => block.startsWith("// list.ts")) ?? "";
  const plugin = source.replace('"strata/contract"', JSON.stringify(`${root}/core/contract/mod.ts`));
  await folder.write({ "config/list.ts": plugin, "src/app.list": "a.txt\n", "src/a.txt": "a\n" });
  const check = await new Deno.Command(Deno.execPath(), {
    args: ["check", `--config=${root}/deno.json`, `${folder.path}/config/list.ts`],
  }).output();
  assertEquals(check.code, 0, new TextDecoder().decode(check.stderr));
  await folder.write({ "config/config.json": "{}" });
  const options = { root: `${folder.path}/root`, env: { STRATA_CONFIG: `${folder.path}/config/config.json` } };
  const added = await mustRun(options, "plugins", "add", "-f", `${folder.path}/config/list.ts`);
  assertStringIncludes(added.stderr, "Asks for: none");
  await mustRun(options, "build", "-t", "listed", "-f", `${folder.path}/src/app.list`, `${folder.path}/src`);
  assertStringIncludes((await mustRun(options, "image", "tree", "listed")).stdout, "/a.txt");

  await folder.write({ "config/list.ts": plugin + "\n" });
  const changed = await runStrata(options, "build", "-f", `${folder.path}/src/app.list`, `${folder.path}/src`);
  assertEquals(changed.code === 0, false);
  assertStringIncludes(changed.stderr, "list.ts");
});

Deno.test("docs/plugins.md: its plugin type-checks, its commands run in their order, its config is one, its test passes", async () => {
  await using folder = await tempFolder();
  const text = await page("docs/plugins.md");
  const [source = "", test = ""] = blocks(text, "ts");
  const imports = {
    "strata/contract": `${root}/core/contract/mod.ts`,
    "strata/conformance": `${root}/core/conformance/mod.ts`,
    "@std/assert": `${root}/core/std/assert.ts`,
    "./core/kit.ts": `${root}/core/kit.ts`,
    "@std/path": `${root}/core/std/path.ts`,
  };
  await folder.write({
    "labels.ts": source,
    "labels_test.ts": test.replace('"./core/kit.ts"', JSON.stringify(`${root}/core/kit.ts`)),
    "deno.json": JSON.stringify({ imports }),
    "config.json": "{}",
  });
  const env = { STRATA_ROOT: `${folder.path}/root`, STRATA_CONFIG: `${folder.path}/config.json`, NO_COLOR: "1" };
  const command = strataCommand().map((word) => `'${word}'`).join(" ");
  const [script = ""] = blocks(text, "sh");
  const shown = await run(`strata() { ${command} "$@"; }\ncd '${folder.path}'\n${script}`, env);
  assertStringIncludes(shown, "passed, 0 failed, 0 skipped");
  assertStringIncludes(shown, "Asks for: env=LABEL_AUTHOR");
  assertStringIncludes(shown, '{"author":"me","team":"web"}');

  const config = (blocks(text, "json")[0] ?? "").replace("<64 hex digits>", "a".repeat(64));
  const [plugin] = parseConfig(config, "/etc/strata/config.json").plugins ?? [];
  assertEquals(plugin?.hooks, { parse: ["labels"] });

  const tested = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--quiet", "--no-lock", `--config=${folder.path}/deno.json`, `${folder.path}/labels_test.ts`],
  }).output();
  assertEquals(tested.code, 0, new TextDecoder().decode(tested.stdout) + new TextDecoder().decode(tested.stderr));
});

Deno.test("docs/plugins.md: its build script and its Dockerfile with more instructions are built by the plugins of the examples", async () => {
  await using folder = await tempFolder();
  const text = await page("docs/plugins.md");
  const find = (language: string, start: string): string =>
    blocks(text, language).find((block) => block.includes(start)) ?? "";
  await folder.write({
    "build_script.ts": await page("examples/plugins/build_script.ts"),
    "instructions.ts": await page("examples/plugins/instructions.ts"),
    "strata.ts": find("ts", "// strata.ts"),
    "app.Dockerfile": find("dockerfile", "# syntax=strata/instructions"),
    "common.dockerfile": "LABEL team=web\nENV LANG=C.UTF-8\n",
    "site/index.html": "a\n",
    "site/more/b.html": "b\n",
    "nginx.Dockerfile": "FROM scratch\nLABEL made=here\n",
    "config.json": "{}",
  });
  const env = { STRATA_ROOT: `${folder.path}/root`, STRATA_CONFIG: `${folder.path}/config.json`, NO_COLOR: "1" };
  const command = strataCommand().map((word) => `'${word}'`).join(" ");
  const inFolder = (script: string): Promise<string> =>
    run(`strata() { ${command} "$@"; }\ncd '${folder.path}'\n${script}`, env);
  await inFolder("strata build -q -t nginx:stable -f nginx.Dockerfile .");
  const built = await inFolder(find("sh", "build_script.ts"));
  assertStringIncludes(built, "Asks for: scripts\n");
  assertStringIncludes(built, "3 steps, 0 cached");
  assertStringIncludes(built, "COPY site/index.html site/more/b.html /usr/share/nginx/html/\n");
  const printed = await inFolder(find("sh", "instructions.ts"));
  assertStringIncludes(printed, "25 passed, 0 failed, 0 skipped");
  assertStringIncludes(printed, "FROM debian:trixie\nLABEL team=web\nENV LANG=C.UTF-8\nRUN --mount=type=cache");
});

Deno.test("README's script runs", async () => {
  const script = blocks(await page("README.md"), "ts").find((block) => block.includes("createEngine({")) ?? "";
  await using folder = await tempFolder();
  const here = script.replace('"./mod.ts"', JSON.stringify(`${root}/mod.ts`)).replace(
    "/tmp/strata-example",
    `${folder.path}/root`,
  );
  await folder.write({ "script.ts": here });
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--check", `--config=${root}/deno.json`, `${folder.path}/script.ts`],
    cwd: root,
  }).output();
  assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
  assertEquals(/^sha256:[0-9a-f]{64} 3\n$/.test(new TextDecoder().decode(output.stdout)), true);
});

Deno.test("docs/cli.md is what the commands say", async () => {
  assertEquals(await Deno.readTextFile(cliPage), await renderCliPage(), "run: deno task docs");
});
