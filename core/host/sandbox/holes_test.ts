/** What a plugin tries that it was given no permission for, from inside its sandbox. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createLayerContext } from "../../../tests/helpers/layer_context.ts";
import { openText, type SandboxedOptions } from "../../../tests/helpers/sandboxed_plugin.ts";
import { sandboxPlace } from "../../engine_sandbox.ts";
import { isEngineError } from "../../errors.ts";
import type { SandboxKind } from "../plugin_entry.ts";

/** A plugin whose layer has a link for each code, with what it gives as JSON, or with the error that it throws. */
function pluginOf(codes: readonly string[], head = ""): string {
  return `${head}
    const attempts = [${codes.map((code) => `async (host, context) => { ${code} }`).join(", ")}];
    export default (host) => ({
      name: "p",
      api: 1,
      layer: [{
        kinds: ["x.try"],
        contentKey: () => Promise.resolve(undefined),
        async *build(op, context) {
          for (const [i, attempt] of attempts.entries()) {
            let target;
            try {
              target = "gave " + JSON.stringify(await attempt(host, context));
            } catch (error) {
              target = "threw " + error.name + ": " + error.message;
            }
            yield { type: "symlink", path: "r" + i, target: target.slice(0, 2000), mode: 0, uid: 0, gid: 0, mtime: 0 };
          }
        },
      }],
    });`;
}

async function attemptAll(
  codes: readonly string[],
  options: SandboxedOptions = {},
  head = "",
): Promise<readonly string[]> {
  await using opened = await openText(pluginOf(codes, head), options);
  const hook = opened.plugin.layer?.[0];
  assert(hook !== undefined);
  const entries = await Array.fromAsync(hook.build({ kind: "x.try", args: {} }, createLayerContext()));
  return entries.map((entry) => entry.type === "symlink" ? entry.target : entry.type);
}

async function attempt(code: string, options: SandboxedOptions = {}): Promise<string> {
  const [result = ""] = await attemptAll([code], options);
  return result;
}

/** Kinds of sandbox that this machine has. */
const { kinds } = sandboxPlace({ pluginSandbox: undefined }, true);

/** A file that no plugin may read, and a server that none may reach. */
async function withSecret(
  work: (place: { path: string; url: string; port: number; hits: () => number }) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  let hits = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    hits++;
    return new Response('{"secret":1}');
  });
  try {
    await Deno.writeTextFile(path, '{"secret":1}');
    const { port } = server.addr;
    await work({ path, url: `http://127.0.0.1:${port}/`, port, hits: () => hits });
  } finally {
    await Deno.remove(path);
  }
}

const data = (code: string): string => `"data:text/javascript," + encodeURIComponent(${JSON.stringify(code)})`;

/** Ways to read the file or reach the server; FILE, URL and PORT are put in. */
const denied: readonly (readonly [what: string, code: string])[] = [
  ["Deno.readTextFile", `return await Deno.readTextFile("FILE")`],
  ["Deno.writeTextFile", `return await Deno.writeTextFile("FILE", "x")`],
  ["Deno.open", `return String(await Deno.open("FILE"))`],
  ["Deno.stat", `return await Deno.stat("FILE")`],
  ["Deno.readDir", `return await Array.fromAsync(Deno.readDir("/"))`],
  ["Deno.makeTempFile", `return await Deno.makeTempFile()`],
  ["Deno.symlink", `return await Deno.symlink("FILE", "FILE.link")`],
  ["Deno.env", `return Deno.env.toObject()`],
  ["process.env", `return process.env.PATH ?? (() => { throw new Error("not there") })()`],
  ["Deno.connect", `return String(await Deno.connect({ hostname: "127.0.0.1", port: PORT }))`],
  ["fetch of the server", `return await (await fetch("URL")).text()`],
  ["fetch of the file", `return await (await fetch("file://FILE")).text()`],
  [
    "WebSocket",
    `return await new Promise((ok, no) => { const s = new WebSocket("URL".replace("http", "ws")); s.onopen = () => ok("open"); s.onerror = (e) => no(new Error(e.message)); })`,
  ],
  [
    "EventSource",
    `return await new Promise((ok, no) => { const s = new EventSource("URL"); s.onopen = () => ok("open"); s.onerror = (e) => no(new Error(e.message)); setTimeout(() => no(new Error("nothing")), 300); })`,
  ],
  ["Deno.resolveDns", `return await Deno.resolveDns("example.com", "A")`],
  ["node:fs", `return readFileSync("FILE", "utf8")`],
  ["node:fs/promises", `return await readFile("FILE", "utf8")`],
  ["node:fs openAsBlob", `return await (await fs.openAsBlob("FILE")).text()`],
  [
    "node:fs createReadStream",
    `return await new Promise((ok, no) => fs.createReadStream("FILE").on("data", (d) => ok(String(d))).on("error", no))`,
  ],
  ["node:fs cpSync", `return fs.cpSync("FILE", "FILE.copy") ?? "copied"`],
  ["node:fs opendirSync", `return fs.opendirSync("/").readSync().name`],
  ["node:fs statfsSync", `return String(fs.statfsSync("/"))`],
  ["node:http", `return await new Promise((ok, no) => http.get("URL", (r) => ok(r.statusCode)).on("error", no))`],
  [
    "node:http2",
    `return await new Promise((ok, no) => { const c = http2.connect("URL"); c.on("connect", () => ok("open")); c.on("error", no); })`,
  ],
  [
    "node:https",
    `return await new Promise((ok, no) => https.get("URL".replace("http", "https"), (r) => ok(r.statusCode)).on("error", no))`,
  ],
  [
    "node:net",
    `return await new Promise((ok, no) => net.connect(PORT, "127.0.0.1", () => ok("open")).on("error", no))`,
  ],
  [
    "node:net listen",
    `return await new Promise((ok, no) => net.createServer().on("error", no).listen(0, () => ok("open")))`,
  ],
  [
    "node:tls",
    `return await new Promise((ok, no) => tls.connect(PORT, "127.0.0.1", () => ok("open")).on("error", (e) => no(e)))`,
  ],
  ["node:dns", `return await new Promise((ok, no) => dns.lookup("example.com", (e, a) => e ? no(e) : ok(a)))`],
  ["node:os hostname", `return os.hostname()`],
  ["node:os userInfo", `return os.userInfo()`],
  ["node:os networkInterfaces", `return os.networkInterfaces()`],
];

const nodeHead = `
  import * as fs from "node:fs"; import { readFileSync } from "node:fs"; import { readFile } from "node:fs/promises";
  import * as http from "node:http"; import * as http2 from "node:http2"; import * as https from "node:https"; import * as net from "node:net";
  import * as tls from "node:tls"; import * as dns from "node:dns"; import * as os from "node:os";`;

for (const kind of kinds) {
  Deno.test(`a plugin without permissions reads no file, no variable, and reaches no host: ${kind}`, async (t) => {
    await withSecret(async ({ path, url, port, hits }) => {
      const fill = (code: string): string =>
        code.replaceAll("FILE", path).replaceAll("URL", url).replaceAll("PORT", String(port));
      const results = await attemptAll(denied.map(([, code]) => fill(code)), { kind }, nodeHead);
      for (const [i, [what]] of denied.entries()) {
        await t.step(what, () => {
          assertMatch(results[i] ?? "", /^threw /);
          assertEquals(results[i]?.includes('"secret"'), false);
        });
      }
      assertEquals(hits(), 0);
    });
  });
}

/** Ways to run code that was not in the file, which could import what was not checked, and to reach around the wire. */
const hidden: readonly (readonly [what: string, code: string])[] = [
  ["eval", `return eval("1 + 1")`],
  ["indirect eval", `return (0, globalThis.eval)("1 + 1")`],
  ["Function", `return new Function("return 1")()`],
  ["Function without new", `return Function("return 1")()`],
  ["constructor of a function", `return (() => {}).constructor("return 1")()`],
  ["constructor of an async function", `return await (async () => {}).constructor("return 1")()`],
  ["constructor of a generator", `return [...(function* () {}).constructor("yield 1")()]`],
  [
    "constructor of an async generator",
    `return await Array.fromAsync((async function* () {}).constructor("yield 1")())`,
  ],
  ["Reflect.construct", `return Reflect.construct((() => {}).constructor, ["return 1"])()`],
  ["constructor of a method of the kit", `return host.kit.sha256.constructor("return 1")()`],
  ["setTimeout of a text", `return await new Promise((ok) => { globalThis.ok = ok; setTimeout("ok(1)", 0); })`],
  ["setInterval of a text", `return await new Promise((ok) => { globalThis.ok = ok; setInterval("ok(1)", 0); })`],
  ["Worker", `return String(new Worker(${data("postMessage(1)")}, { type: "module" }))`],
  ["postMessage", `return postMessage({ head: "{}" }) ?? "posted"`],
  ["self.postMessage", `return self.postMessage({ head: "{}" }) ?? "posted"`],
  ["postMessage of the prototype", `return Object.getPrototypeOf(globalThis).postMessage({}) ?? "posted"`],
  ["close", `return close() ?? "closed"`],
  ["Deno.exit", `return Deno.exit(3)`],
  ["process.exit", `return process.exit(3)`],
  ["process.kill", `return process.kill(1, 0)`],
  ["process.getBuiltinModule", `return typeof process.getBuiltinModule("node:vm").runInThisContext`],
  ["process.binding", `return typeof process.binding("fs")`],
  ["process.stdout", `return process.stdout.write("x")`],
  ["Deno.stdout", `return Deno.stdout.writeSync(new Uint8Array(1))`],
  ["Deno.stdin", `return Deno.stdin.readSync(new Uint8Array(1))`],
  ["Deno.Command", `return new Deno.Command("true").outputSync().code`],
  ["Deno.dlopen", `return String(Deno.dlopen("libc.so.6", {}))`],
  ["Deno.permissions.request", `return (await Deno.permissions.request({ name: "read" })).state`],
  ["navigator.permissions", `return (await navigator.permissions.query({ name: "read" })).state`],
  ["the internals of Deno", `return Object.keys(Deno[Deno.internal].core)`],
  ["caches", `return String(await caches.open("x"))`],
  ["localStorage", `return localStorage.length`],
  ["BroadcastChannel", `return String(new BroadcastChannel("x"))`],
  ["require", `return require("node:vm")`],
  ["module", `return module.createRequire("file:///x.js")("node:vm")`],
  [
    "node:timers with a text",
    `return await new Promise((ok) => { globalThis.ok = ok; timers.setTimeout("ok(1)", 0); })`,
  ],
  ["process of a module of Node", `return (os.process ?? util.process ?? events.process).exit(1)`],
];

for (const kind of kinds) {
  Deno.test(`a plugin makes no code from text, starts no thread, and does not get at the wire or strata's streams: ${kind}`, async (t) => {
    const head =
      `import * as timers from "node:timers"; import * as os from "node:os"; import * as util from "node:util"; import * as events from "node:events";`;
    const results = await attemptAll(hidden.map(([, code]) => code), { kind }, head);
    for (const [i, [what]] of hidden.entries()) await t.step(what, () => assertMatch(results[i] ?? "", /^threw /));
  });
}

/** Imports, as they stand in the file. */
const imports: readonly (readonly [what: string, line: string])[] = [
  ["a file as JSON", `import x from "file://FILE" with { type: "json" };`],
  ["a file as text", `import x from "file://FILE" with { type: "text" };`],
  ["a file as bytes", `import x from "file://FILE" with { type: "bytes" };`],
  ["a file beside it", `import x from "./secret.ts";`],
  ["a package of npm without an exact version", `import x from "npm:ms@2";`],
  ["a package of JSR", `import x from "jsr:@std/path";`],
  ["a host", `import x from "URLx.ts";`],
  ["a data URL", `import x from "data:text/javascript,export default 1";`],
  [
    "a data URL with an import",
    `import x from "data:text/javascript,import x from 'file://FILE' with {type:'json'}; export default x";`,
  ],
  ["a blob", `import x from "blob:null/1";`],
  ["a bare name", `import x from "ms";`],
  ["a module of Node that makes code from text", `import vm from "node:vm";`],
  ["a module of Node that starts threads", `import { Worker } from "node:worker_threads";`],
  ["a module of Node that loads modules", `import { createRequire } from "node:module";`],
  ["a module of Node that starts programs", `import { execSync } from "node:child_process";`],
  ["a re-export", `export * from "file://FILE";`],
  ["a literal import()", `const x = await import("file://FILE", { with: { type: "json" } });`],
  ["a literal import() of npm", `const x = await import("npm:ms@2");`],
  ["a computed import()", `const x = await import("npm:ms@2.1." + 3);`],
  ["a template in import()", "const x = await import(`npm:ms@2.1.3`);"],
  ["an import with escaped letters", `const x = await im\\u0070ort("npm:ms@2.1.3");`],
  ["an import behind what looks like a comment", `const y = /[/*]/; import x from "npm:ms@2"; /*/*/`],
  ["an import behind what looks like a text", `const y = /"/; import x from "npm:ms@2"; const z = /"/;`],
  ["an import of TypeScript", `import x = require("npm:ms@2.1.3");`],
];

Deno.test("a plugin with an import is refused before it is loaded", async (t) => {
  await withSecret(async ({ path, url, hits }) => {
    for (const [what, line] of imports) {
      await t.step(what, async () => {
        const head = line.replaceAll("FILE", path).replaceAll("URL", url);
        try {
          await using _opened = await openText(pluginOf(["return 1"], head));
          assert(false, "it was loaded");
        } catch (error) {
          assert(isEngineError(error), String(error));
          assertEquals(error.code, "PLUGIN_FAILED");
          assertStringIncludes(error.message, 'Cannot load plugin "p": line 1 has');
          assertEquals(hits(), 0);
        }
      });
    }
  });
});

for (const kind of kinds) {
  Deno.test(`what a plugin is given it can use, and no more of its kind: ${kind}`, (t) => useGranted(kind, t));
}

async function useGranted(kind: SandboxKind, t: Deno.TestContext): Promise<void> {
  await withSecret(async ({ path, url, port, hits }) => {
    await t.step("read", async () => {
      const permissions = { read: [path] };
      assertStringIncludes(await attempt(`return await Deno.readTextFile("${path}")`, { permissions, kind }), "secret");
      assertMatch(
        await attempt(`return await Deno.readTextFile("/etc/passwd")`, { permissions, kind }),
        /^threw NotCapable/,
      );
      assertMatch(
        await attempt(`return await Deno.writeTextFile("${path}", "")`, { permissions, kind }),
        /^threw NotCapable/,
      );
    });
    await t.step("net", async () => {
      const permissions = { net: [`127.0.0.1:${port}`] };
      assertStringIncludes(
        await attempt(`return await (await fetch("${url}")).text()`, { permissions, kind }),
        "secret",
      );
      assertEquals(hits(), 1);
      assertMatch(
        await attempt(`return await fetch("http://127.0.0.2:${port}/")`, { permissions, kind }),
        /^threw NotCapable/,
      );
    });
    await t.step("env", async () => {
      const permissions = { env: ["PATH"] };
      assertMatch(await attempt(`return Deno.env.get("PATH")`, { permissions, kind }), /^gave "/);
      assertMatch(await attempt(`return Deno.env.get("HOME")`, { permissions, kind }), /^threw NotCapable/);
    });
  });
}

Deno.test("the address of a plugin's module leads nowhere", async () => {
  const result = await attempt(`return [import.meta.url, import.meta.filename, import.meta.dirname]`);
  assertMatch(result, /^gave \["blob:[^"]*",null,null\]$/);
  assertMatch(await attempt(`return import.meta.resolve("./x.ts")`), /^threw /);
  assertEquals(await attempt(`return import.meta.resolve("node:fs")`), 'gave "node:fs"');
});

Deno.test("in bubblewrap a plugin sees no file of the machine but libraries, and no program", {
  ignore: !kinds.includes("bubblewrap"),
}, async () => {
  const list = `return (await Array.fromAsync(Deno.readDir("/"))).map(({ name }) => name).sort()`;
  const options = { kind: "bubblewrap", permissions: { read: ["/"] } } as const;
  assertStringIncludes(await attempt(list, options), '"etc"');
  const folder = await Deno.makeTempDir();
  try {
    const code =
      `return [Deno.readDirSync("${folder}").next().done, await Deno.stat("/etc/passwd").then(() => 1, (e) => e.name)]`;
    const granted = { kind: "bubblewrap", permissions: { read: [folder, "/etc/passwd"] } } as const;
    assertEquals(await attempt(code, granted), "gave [true,1]");
    const make =
      `await Deno.mkdir("${folder}/a/b", { recursive: true }); await Deno.writeTextFile("${folder}/a/b/c", "x")`;
    await attempt(make, { kind: "bubblewrap", permissions: { write: [`${folder}/a`] } });
    assertEquals(await Deno.readTextFile(`${folder}/a/b/c`), "x");
    const lost = `return await Deno.writeTextFile("${folder}/d", "x") ?? "written"`;
    const all = { kind: "bubblewrap", permissions: { read: true, write: [`${folder}/a`] } } as const;
    assertMatch(await attempt(lost, all), /^threw NotCapable/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a plugin gets at no method that an object of strata does not offer", async () => {
  const code = `return [Object.keys(host).sort(), Object.keys(context.scratch).sort(), typeof context.inputs]`;
  assertEquals(
    await attempt(code),
    `gave [["config","credential","kit","proxy","runScript"],["ingest","open","recall","remember"],"object"]`,
  );
});
