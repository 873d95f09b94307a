/** `strata plugins`, and what plugins of strangers do to a build, a copy and a store. */
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  mustRun,
  runStrata,
  strataBinary,
  strataCommand,
  type StrataOptions,
  type TempFolder,
  tempFolder,
} from "../helpers/strata.ts";

const plugins = fromFileUrl(new URL("../plugins", import.meta.url));

function optionsOf(folder: TempFolder, env: Readonly<Record<string, string>> = {}): StrataOptions {
  return { root: `${folder.path}/root`, env: { STRATA_CONFIG: `${folder.path}/config.json`, ...env } };
}

/** A folder with an empty config. */
async function configured(): Promise<TempFolder> {
  const folder = await tempFolder();
  await folder.write({ "config.json": "{}" });
  return folder;
}

async function configOf(folder: TempFolder): Promise<{ plugins: Record<string, unknown>[] }> {
  return JSON.parse(await Deno.readTextFile(`${folder.path}/config.json`));
}

async function hashOf(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}

Deno.test("strata plugins add, ls and rm change the config and nothing else in it", async () => {
  await using folder = await configured();
  const options = optionsOf(folder);
  const before = '{\n    "noColor":   true,\n\t"plugins": [ ],\n  "aliases": {"a": "docker.io/library/a"}\n}\n';
  await folder.write({ "config.json": before });

  const refused = await runStrata(options, "plugins", "add", `${plugins}/transport_folder.ts`);
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.stderr, "Asks for: read=* write=*");
  assertStringIncludes(refused.stderr, "standard input is no terminal");
  assertEquals(await Deno.readTextFile(`${folder.path}/config.json`), before);

  const given = `--allow-read=${folder.path}`;
  const added = await mustRun(
    options,
    "plugins",
    "add",
    "-f",
    given,
    "--allow-write=",
    "--option",
    "a=[1]",
    `${plugins}/transport_folder.ts`,
  );
  assertEquals(added.stdout, "transport-folder\n");
  assertStringIncludes(added.stderr, `Is given: read=${folder.path}\n`);
  await mustRun(options, "plugins", "add", "-y", `${plugins}/list_file.ts`);
  const sha256 = await hashOf(`${plugins}/transport_folder.ts`);
  const [first] = (await configOf(folder)).plugins;
  assertEquals(first, {
    name: "transport-folder",
    path: `${plugins}/transport_folder.ts`,
    sha256,
    hooks: { transport: ["folder"] },
    options: { a: [1] },
    permissions: { read: [folder.path], write: [] },
  });
  const text = await Deno.readTextFile(`${folder.path}/config.json`);
  assertStringIncludes(text, '{\n    "noColor":   true,\n\t"plugins": [');
  assertStringIncludes(text, '],\n  "aliases": {"a": "docker.io/library/a"}\n}\n');

  const list = (await mustRun(options, "plugins", "ls")).stdout;
  assertMatch(list, /^NAME +HOOKS +SOURCE +PERMISSIONS +TRUSTED +SHA256\n/);
  assertMatch(list, /\nparse-dockerfile +parse:dockerfile +built-in +all +yes +-\n/);
  assertMatch(
    list,
    new RegExp(
      `\\ntransport-folder +transport:folder +\\S+transport_folder.ts +read=\\S+ +no +${sha256.slice(0, 12)}\\n`,
    ),
  );
  assertMatch((await mustRun(options, "plugins", "ls", "-q")).stdout, /\ntransport-folder\nlist-file\n$/);
  const json = (await mustRun(options, "plugins", "ls", "--format", "json")).stdout.trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(json.at(-1).Hooks, "parse:list");
  assertEquals(
    (await mustRun(options, "plugins", "ls", "--format", "{{.Trusted}}")).stdout.trim().split("\n").at(-1),
    "no",
  );

  assertEquals((await runStrata(options, "plugins", "rm", "list-file", "gone")).code, 1);
  assertEquals((await configOf(folder)).plugins.length, 2);
  assertEquals(
    (await mustRun(options, "plugins", "rm", "list-file", "transport-folder")).stdout,
    "list-file\ntransport-folder\n",
  );
  assertEquals((await configOf(folder)).plugins, []);
});

Deno.test("strata plugins add refuses what is no plugin, and a second one of a name", async () => {
  await using folder = await configured();
  const options = optionsOf(folder);
  await folder.write({
    "import.ts": `import x from "npm:ms@2";\nexport default () => ({ name: "x", api: 1 });`,
    "named.ts": `export default () => ({ name: "list-file", api: 1 });`,
    "asks.ts": `export const permissions = { run: true }; export default () => ({ name: "asks", api: 1 });`,
  });
  const add = async (...words: string[]): Promise<string> => {
    const output = await runStrata(options, "plugins", "add", "-f", ...words);
    assert(output.code !== 0, output.stdout);
    return output.stderr;
  };
  assertStringIncludes(await add(`${folder.path}/gone.ts`), "does not exist");
  assertStringIncludes(await add(`${folder.path}/import.ts`), 'line 1 has the import of "npm:ms@2"');
  assertStringIncludes(await add(`${folder.path}/asks.ts`), 'the permission "run"');
  assertStringIncludes(await add("--name", "other", `${folder.path}/named.ts`), 'calls itself "list-file"');
  assertStringIncludes(await add("--trusted", "--allow-net=a", `${folder.path}/named.ts`), "--trusted");
  assertStringIncludes(await add("npm:ms"), "exact version");
  await mustRun(options, "plugins", "add", "-f", `${plugins}/list_file.ts`);
  assertStringIncludes(await add(`${folder.path}/named.ts`), "the config has one of that name");
});

Deno.test("strata plugins check runs the suites and tells what failed", async () => {
  await using folder = await configured();
  const options = optionsOf(folder);
  for (const file of ["list_file", "layer_archive", "store_memory", "transport_folder"]) {
    const output = await mustRun(options, "plugins", "check", `${plugins}/${file}.ts`);
    assertMatch(output.stdout, /^ok {3}/);
    assertMatch(output.stdout, /\n\d+ passed, 0 failed, 0 skipped\n$/);
  }
  const broken = (await Deno.readTextFile(`${plugins}/list_file.ts`)).replace('endsWith(".list")', 'endsWith("file")');
  await folder.write({
    "broken.ts": broken,
    "bare.ts": `export default () => ({ name: "bare", api: 1, store: [{ driver: "x", open() {} }] });`,
  });
  const failed = await runStrata(options, "plugins", "check", `${folder.path}/broken.ts`);
  assertEquals(failed.code, 1);
  assertMatch(failed.stdout, /^FAIL parse list matches\(\)|FAIL matches\(\) of parse list/m);
  const bare = await mustRun(options, "plugins", "check", `${folder.path}/bare.ts`);
  assertStringIncludes(
    bare.stdout,
    "skip store x: the plugin exports no samples for it\n0 passed, 0 failed, 1 skipped\n",
  );
});

Deno.test("plugins of files build an image, keep it in a store of theirs, and copy it over a transport of theirs", async () => {
  await using folder = await configured();
  const options = optionsOf(folder);
  const config = { root: folder.path };
  await folder.write({ "config.json": "{}", "src/app.list": "a.txt\n", "src/a.txt": "a\n" });
  await mustRun(options, "plugins", "add", "-f", `${plugins}/list_file.ts`);
  await mustRun(
    options,
    "plugins",
    "add",
    "-f",
    `--allow-read=${config.root}`,
    `--allow-write=${config.root}`,
    `${plugins}/transport_folder.ts`,
  );
  await mustRun(options, "build", "-t", "listed", "-f", `${folder.path}/src/app.list`, `${folder.path}/src`);
  assertStringIncludes((await mustRun(options, "image", "tree", "listed")).stdout, "/a.txt");
  await mustRun(options, "copy", "listed", `folder:${folder.path}/out`);
  const names = JSON.parse(await Deno.readTextFile(`${folder.path}/out/names.json`));
  assertEquals(Object.keys(names).length, 1);
  await mustRun(options, "rmi", "listed");
  await mustRun(options, "copy", `folder:${folder.path}/out`, "store:");
  assertStringIncludes((await mustRun(options, "image", "ls")).stdout, "listed");
});

Deno.test("a transport that gives other bytes than it says brings none into the store", async () => {
  await using folder = await configured();
  const options = optionsOf(folder);
  await folder.write({ "config.json": "{}", "Dockerfile": "FROM scratch\nCOPY Dockerfile /\n" });
  await mustRun(options, "build", "-t", "right", folder.path);
  const permissions = [`--allow-read=${folder.path}`, `--allow-write=${folder.path}`];
  await mustRun(options, "plugins", "add", "-f", ...permissions, `${plugins}/transport_folder.ts`);
  await mustRun(options, "copy", "right", `folder:${folder.path}/out`);
  const lying = (await Deno.readTextFile(`${plugins}/transport_folder.ts`)).replace(
    "return file.readable;",
    "return file.readable.pipeThrough(new TransformStream({ transform(c, o) { c[0] ^= 1; o.enqueue(c); } }));",
  );
  await folder.write({ "transport_folder.ts": lying });
  await mustRun(options, "plugins", "rm", "transport-folder");
  await mustRun(options, "plugins", "add", "-f", ...permissions, `${folder.path}/transport_folder.ts`);
  const other = { ...options, root: `${folder.path}/other` };
  const output = await runStrata(other, "copy", `folder:${folder.path}/out`, "store:");
  assertEquals(output.code, 1);
  assertMatch(output.stderr, /digest|size/);
  const blobs = await Array.fromAsync(Deno.readDir(`${folder.path}/other/blobs/sha256`)).catch(() => []);
  assertEquals(blobs.length, 0);
});

Deno.test("a file that was changed after it was added is not run", async () => {
  await using folder = await configured();
  const options = optionsOf(folder);
  await folder.write({ "list_file.ts": await Deno.readTextFile(`${plugins}/list_file.ts`), "a.list": "a.list\n" });
  await mustRun(options, "plugins", "add", "-f", `${folder.path}/list_file.ts`);
  await mustRun(options, "build", "-f", `${folder.path}/a.list`, folder.path);
  await Deno.writeTextFile(`${folder.path}/list_file.ts`, "\n", { append: true });
  const output = await runStrata(options, "build", "-f", `${folder.path}/a.list`, folder.path);
  assertEquals(output.code, 1);
  assertStringIncludes(output.stderr, "Cannot load plugin file");
});

Deno.test("a plugin that hangs or fails ends the command, which names it", async () => {
  await using folder = await configured();
  const text = (body: string): string =>
    `export default () => ({ name: "bad", api: 1, parse: [{ format: "bad", matches: (f) => f.path.endsWith(".bad"), async parse(file, context) { ${body} }, outline: async () => ({}) }] });`;
  await folder.write({ "a.bad": "x" });
  for (
    const [body, pattern] of [["while (true);", /did not answer/], ["throw new Error('oops')", /oops/], [
      "await Deno.readTextFile('/etc/shadow')",
      /it tried read access/,
    ]] as const
  ) {
    const options = optionsOf(folder);
    await folder.write({ "bad.ts": text(body), "config.json": "{}" });
    await mustRun(options, "plugins", "add", "-f", `${folder.path}/bad.ts`);
    const config = await configOf(folder);
    await folder.write({
      "config.json": JSON.stringify({ plugins: config.plugins.map((each) => ({ ...each, timeoutSeconds: 1 })) }),
    });
    for (const kind of ["bubblewrap", "worker", "process"]) {
      const current = await configOf(folder);
      await folder.write({ "config.json": JSON.stringify({ ...current, pluginSandbox: kind }) });
      const output = await runStrata(options, "build", "-f", `${folder.path}/a.bad`, folder.path);
      if (kind === "bubblewrap" && output.stderr.includes("no sandbox of the kind")) continue;
      assertEquals(output.code, 1);
      assertStringIncludes(output.stderr, 'parse.parse of plugin "bad"');
      assertMatch(output.stderr, pattern);
    }
  }
});

Deno.test("on a terminal nobody is asked for what a plugin was not given", async () => {
  await using folder = await configured();
  const bad =
    `export default () => ({ name: "bad", api: 1, parse: [{ format: "bad", matches: (f) => f.path.endsWith(".bad"), async parse() { await Deno.readTextFile("/etc/shadow"); }, outline: async () => ({}) }] });`;
  await folder.write({ "a.bad": "x", "bad.ts": bad });
  await mustRun(optionsOf(folder), "plugins", "add", "-f", `${folder.path}/bad.ts`);
  for (const kind of ["worker", "process", undefined]) {
    const config = await configOf(folder);
    await folder.write({ "config.json": JSON.stringify({ ...config, pluginSandbox: kind }) });
    const command = [...strataCommand(), "build", "-f", `${folder.path}/a.bad`, folder.path].map((word) => `'${word}'`)
      .join(" ");
    const output = await new Deno.Command("script", {
      args: ["-qec", command, "/dev/null"],
      env: { STRATA_ROOT: `${folder.path}/root`, STRATA_CONFIG: `${folder.path}/config.json`, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(output.stdout);
    assertNotMatch(text, /Deno requests|Allow\?/);
    // A binary is made not to ask, so that it may use Workers on a terminal too.
    const hasWorkers = strataBinary() !== undefined;
    assertMatch(text, kind === "worker" && !hasWorkers ? /no sandbox of the kind/ : /it tried read access/);
  }
});

Deno.test("a package of npm is loaded as its one file, pinned by sha256", async () => {
  await using folder = await configured();
  const code =
    `export default () => ({ name: "packed", api: 1, parse: [{ format: "packed", matches: () => false, parse() {}, outline() {} }] });`;
  await folder.write({ "package/dist/main.mjs": code, "package/package.json": "{}" });
  await new Deno.Command("tar", { args: ["-czf", "packed.tgz", "package"], cwd: folder.path }).output();
  const bytes = await Deno.readFile(`${folder.path}/packed.tgz`);
  const integrity = `sha512-${new Uint8Array(await crypto.subtle.digest("SHA-512", bytes)).toBase64()}`;
  let hits = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    hits++;
    const { origin, pathname } = new URL(request.url);
    if (pathname === "/@acme%2fpacked/1.2.3") {
      return Response.json({
        exports: { ".": { import: "./dist/main.mjs" } },
        dist: { tarball: `${origin}/packed.tgz`, integrity },
      });
    }
    if (pathname === "/packed.tgz") return new Response(bytes);
    return new Response(null, { status: 404 });
  });
  const options = optionsOf(folder, { STRATA_NPM_REGISTRY: `http://127.0.0.1:${server.addr.port}` });
  await mustRun(options, "plugins", "add", "-f", "npm:@acme/packed@1.2.3");
  const [added] = (await configOf(folder)).plugins;
  assertEquals([added?.name, added?.path], ["packed", "npm:@acme/packed@1.2.3"]);
  const before = hits;
  await mustRun(options, "plugins", "check", "packed");
  assertEquals(hits, before, "it was kept");
  assertEquals((await runStrata(options, "plugins", "add", "-f", "npm:@acme/other@1.2.3")).code, 1);
});

Deno.test("from a script without the unstable flag a plugin runs in a process, or loading it is UNSUPPORTED; the script goes on", async () => {
  await using folder = await configured();
  await mustRun(optionsOf(folder), "plugins", "add", "-f", `${plugins}/list_file.ts`);
  const root = fromFileUrl(new URL("../..", import.meta.url));
  const { imports } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const absolute = Object.entries(imports as Record<string, string>).map((
    [name, to],
  ) => [name, to.replace(/^\.\//, root)]);
  await folder.write({
    "deno.json": JSON.stringify({ imports: Object.fromEntries(absolute) }),
    "script.ts": `import { builtins, createEngine } from "${root}/mod.ts";
      await using engine = await createEngine({ plugins: builtins, config: { root: "${folder.path}/root" } });
      const result = await engine.host.parser({ path: "a.list", text: "" }).then(({ format }) => format, ({ code }) => code);
      console.log("still here: " + result);`,
  });
  const run = async (sandbox: string | undefined, ...permissions: string[]): Promise<string> => {
    const config = await configOf(folder);
    await folder.write({ "config.json": JSON.stringify({ ...config, pluginSandbox: sandbox }) });
    const output = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        ...permissions,
        "--no-prompt",
        "--quiet",
        "--no-check",
        "--no-lock",
        `--config=${folder.path}/deno.json`,
        `${folder.path}/script.ts`,
      ],
      env: { STRATA_CONFIG: `${folder.path}/config.json` },
    }).output();
    return new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
  };
  assertStringIncludes(await run(undefined, "-A"), "still here: list");
  assertStringIncludes(await run("process", "-A"), "still here: list");
  assertStringIncludes(await run("worker", "-A"), "still here: UNSUPPORTED");
  const few = ["--allow-read", `--allow-write=${folder.path}`, "--allow-env"];
  assertStringIncludes(await run(undefined, ...few), "still here: UNSUPPORTED");
});
