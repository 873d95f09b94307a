/** What goes wrong in a plugin stays there: one error that names it and its hook, and strata goes on. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { failureOf } from "../../../tests/helpers/failure_of.ts";
import { createLayerContext } from "../../../tests/helpers/layer_context.ts";
import { createMemoryTree, file } from "../../../tests/helpers/memory_tree.ts";
import { parseContext } from "../../../tests/helpers/parse_context.ts";
import { createTestHost } from "../../../tests/helpers/test_host.ts";
import { openText, type SandboxedOptions } from "../../../tests/helpers/sandboxed_plugin.ts";
import { call, makeBytes, putBytes, readBlob } from "../../../tests/conformance/store_tools.ts";
import type { EngineEvent, LayerContext, LayerHook, Plugin } from "../../contract/mod.ts";
import { sandboxPlace } from "../../engine_sandbox.ts";
import { EngineError } from "../../errors.ts";
import { guardLayer, guardParse } from "../guard_build.ts";
import { verifiedStore } from "../../store/verified.ts";
import { guardStore, guardTransport } from "../guard.ts";

/** A plugin with one layer hook, whose two methods have the given bodies. */
function layerText(contentKey: string, build = ""): string {
  return `export default (host) => ({ name: "p", api: 1, layer: [{
    kinds: ["x.try"],
    async contentKey(op, context) { ${contentKey} },
    async *build(op, context) { ${build} },
  }] });`;
}

function layerOf({ layer }: Plugin): LayerHook {
  const [hook] = layer ?? [];
  assert(hook !== undefined);
  return guardLayer(hook, "p");
}

const op = { kind: "x.try", args: {} };

/**
 * Where plugins that are busy for ever are tried: Deno 2.9.6 does not stop the thread of a busy Worker that is terminated, and it would
 * take its part of the processors from all tests that come after.
 */
const apart = { kind: "process" } as const;

async function keyFailure(body: string, options: SandboxedOptions = {}, context?: LayerContext): Promise<EngineError> {
  await using opened = await openText(layerText(body), options);
  return await failureOf(() => layerOf(opened.plugin).contentKey(op, context ?? createLayerContext()));
}

async function buildFailure(body: string, options: SandboxedOptions = {}): Promise<EngineError> {
  await using opened = await openText(layerText("", body), options);
  return await failureOf(() => Array.fromAsync(layerOf(opened.plugin).build(op, createLayerContext())));
}

function assertNamed(error: EngineError, hook: string, pattern: RegExp): void {
  assertEquals(error.code, "PLUGIN_FAILED");
  assertEquals(error.detail, { plugin: "p", hook });
  assertStringIncludes(error.message, `Cannot use ${hook} of plugin "p": `);
  assertMatch(error.message, pattern);
}

Deno.test("a plugin that throws gives an error that names it and its hook", async () => {
  assertNamed(await keyFailure(`throw new TypeError("oops")`), "layer.contentKey", /oops/);
  assertNamed(await keyFailure(`throw "text"`), "layer.contentKey", /text/);
  assertNamed(await keyFailure(`throw undefined`), "layer.contentKey", /undefined/);
  assertNamed(await buildFailure(`throw new RangeError("oops")`), "layer.build", /oops/);
});

Deno.test("a plugin that throws where nobody waits for it fails what it was asked, and strata lives", async () => {
  const later = `setTimeout(() => { throw new Error("later") }, 0); await new Promise(() => {})`;
  assertNamed(await keyFailure(later), "layer.contentKey", /later/);
  const rejected = `Promise.reject(new Error("later")); await new Promise(() => {})`;
  assertNamed(await keyFailure(rejected), "layer.contentKey", /later/);
});

Deno.test("a plugin that oversteps its permissions is told on, with what it tried", async () => {
  const error = await keyFailure(`return await Deno.readTextFile("/etc/shadow")`);
  assertNamed(error, "layer.contentKey", /it tried read access to "\/etc\/shadow", which it was not given/);
  assertMatch(error.hint ?? "", /"permissions" of plugin "p"/);
  assertNamed(
    await keyFailure(`await fetch("http://127.0.0.1:1234/")`),
    "layer.contentKey",
    /net access to "127.0.0.1:1234"/,
  );
  assertNamed(await keyFailure(`return Deno.env.get("HOME")`), "layer.contentKey", /env access to "HOME"/);
});

Deno.test("a plugin that does not answer is ended, busy or waiting", async () => {
  const options = { timeoutSeconds: 0.4 };
  const busy = { ...apart, ...options };
  const pattern = /it did not answer for 0.4 s, so it was ended/;
  assertNamed(await keyFailure(`while (true);`, busy), "layer.contentKey", pattern);
  assertNamed(await keyFailure(`await new Promise(() => {})`, options), "layer.contentKey", pattern);
  assertNamed(await buildFailure(`while (true);`, busy), "layer.build", pattern);
});

Deno.test("a plugin that never starts is ended", async () => {
  const options = { ...apart, startSeconds: 1 };
  for (
    const text of [
      `while (true);`,
      `await new Promise(() => {}); export default () => {}`,
      `export default () => new Promise(() => {})`,
    ]
  ) {
    const error = await failureOf(() => openText(text, options));
    assertEquals([error.code, error.message], [
      "PLUGIN_FAILED",
      'Cannot load plugin "p": it did not answer for 1 s, so it was ended',
    ]);
  }
});

Deno.test("a plugin that was ended fails what it is asked later", async () => {
  await using opened = await openText(layerText(`while (true);`), { ...apart, timeoutSeconds: 0.3 });
  const hook = layerOf(opened.plugin);
  await failureOf(() => hook.contentKey(op, createLayerContext()));
  assertNamed(await failureOf(() => hook.contentKey(op, createLayerContext())), "layer.contentKey", /it was ended/);
});

Deno.test("an aborted call ends: at once where the plugin listens, and the plugin with it where not", async () => {
  const listening =
    `await new Promise((_, no) => context.signal.addEventListener("abort", () => no(new Error("heard"))))`;
  for (
    const body of [
      listening,
      `await new Promise(() => {})`,
      `context.emit({ type: "warning", code: "x", message: "busy" }); while (true);`,
    ]
  ) {
    const abort = new AbortController();
    const context = { ...createLayerContext({ signal: abort.signal }), emit: () => abort.abort() };
    const started = body === listening || !body.startsWith("context")
      ? `context.emit({ type: "warning", code: "x", message: "m" }); ${body}`
      : body;
    assertEquals((await keyFailure(started, { ...apart, timeoutSeconds: 0.4 }, context)).code, "CANCELED");
  }
});

Deno.test("a plugin that breaks the contract is told on", async () => {
  assertNamed(await keyFailure(`return "x"`), "layer.contentKey", /the digest "x", against the plugin contract/);
  assertNamed(await keyFailure(`return () => {}`), "layer.contentKey", /a function is no data/);
  assertNamed(await buildFailure(`yield { type: "file", path: "../a" }`), "layer.build", /the path "..\/a"/);
  assertNamed(await buildFailure(`yield 5`), "layer.build", /no layer entry/);
  assertNamed(
    await buildFailure(`yield { type: "file", path: "a", mode: 0, uid: 0, gid: 0, mtime: 0, size: 1, content: "x" }`),
    "layer.build",
    /without content/,
  );
});

Deno.test("a build graph that is none is refused", async () => {
  const hook = (graph: string): string =>
    `export default () => ({ name: "p", api: 1, parse: [{ format: "x", matches: () => 1, parse: async () => (${graph}), outline: async () => ({}) }] });`;
  for (const graph of ["undefined", "{ nodes: 5 }", "{ nodes: [{ type: 'image', reference: 'a' }], result: 0 }"]) {
    await using opened = await openText(hook(graph));
    const [parse] = opened.plugin.parse ?? [];
    assert(parse !== undefined);
    const guarded = guardParse(parse, "p");
    const source = { path: "a", text: "" };
    assertEquals((await failureOf(() => guarded.parse(source, parseContext()))).code, "PLUGIN_FAILED");
    assertEquals((await failureOf(async () => await guarded.matches(source))).code, "PLUGIN_FAILED");
  }
});

Deno.test("a stream that fails in a plugin fails with its name", async () => {
  const body =
    `yield { type: "file", path: "a", mode: 0, uid: 0, gid: 0, mtime: 0, size: 9, content: () => Promise.resolve(
    new ReadableStream({ start(c) { c.enqueue(new Uint8Array(3)) }, pull(c) { c.error(new Error("torn")) } })) }`;
  await using opened = await openText(layerText("", body));
  for await (const entry of layerOf(opened.plugin).build(op, createLayerContext())) {
    assert(entry.type === "file" && typeof entry.content === "function");
    const { content } = entry;
    assertNamed(await failureOf(async () => await new Response(await content()).arrayBuffer()), "layer.build", /torn/);
  }
});

Deno.test("a plugin's own error keeps its code, but is no bug of strata's and starts nothing again", async () => {
  const error = await keyFailure(
    `throw host.kit.error("NOT_FOUND", "Cannot find it", { detail: { name: "x", canEnter: true }, hint: "Look" })`,
  );
  assertEquals([error.code, error.message, error.hint], ["NOT_FOUND", "Cannot find it", "Look"]);
  assertEquals(error.detail, { name: "x", plugin: "p", hook: "layer.contentKey" });
  assertEquals((await keyFailure(`throw host.kit.error("INTERNAL", "a bug")`)).code, "PLUGIN_FAILED");
  assertEquals((await keyFailure(`throw Object.assign(new Error("x"), { code: "CANCELED" })`)).code, "PLUGIN_FAILED");
});

Deno.test("what a plugin prints is a warning with its name, and a flood of it ends the plugin", async () => {
  const events: EngineEvent[] = [];
  const context = { ...createLayerContext(), emit: (event: EngineEvent) => void events.push(event) };
  await using opened = await openText(layerText(`console.log("hello", { a: 1 }); console.error("there")`));
  await layerOf(opened.plugin).contentKey(op, context);
  const messages = events.map((event) => event.type === "warning" ? event.message : "");
  assertEquals(messages, ['plugin "p": hello { a: 1 }', 'plugin "p": there']);
  assertNamed(
    await keyFailure(`while (true) console.log("x")`, apart),
    "layer.contentKey",
    /it printed more than 5000 times/,
  );
});

Deno.test("events of a plugin that are none are not passed on", async () => {
  const events: EngineEvent[] = [];
  const context = { ...createLayerContext(), emit: (event: EngineEvent) => void events.push(event) };
  const body =
    `context.emit(5); context.emit({ type: "step-log", step: "a", stream: "stdout", data: "x" }); context.emit({ type: "warning", message: () => {} });
    context.emit({ type: "step-log", step: "a", stream: "stdout", data: new Uint8Array([1, 2]) })`;
  await using opened = await openText(layerText(body));
  await layerOf(opened.plugin).contentKey(op, context);
  assertEquals(events, [{ type: "step-log", step: "a", stream: "stdout", data: new Uint8Array([1, 2]) }]);
});

Deno.test("a tree can be asked by a plugin only while its call is open", async () => {
  const text = `let kept; export default () => ({ name: "p", api: 1, layer: [{ kinds: ["x.try"],
    async contentKey(op, context) { if (kept === undefined) { kept = context; return await context.inputs[0].digest(".", {}, context); } return await kept.inputs[0].digest(".", {}, context); },
    async *build() {} }] });`;
  await using opened = await openText(text);
  const context = createLayerContext({ inputs: [createMemoryTree([file("a", "a")])] });
  const hook = layerOf(opened.plugin);
  assertMatch(String(await hook.contentKey(op, context)), /^sha256:/);
  assertNamed(
    await failureOf(() => hook.contentKey(op, context)),
    "layer.contentKey",
    /nothing is left to call digest of/,
  );
});

Deno.test("a plugin of another contract, without a function, or with a broken file is refused", async () => {
  const texts = [
    `export const x = 1`,
    `export default 5`,
    `export default () => 5`,
    `export default () => { throw new Error("no") }`,
    `syntax error`,
  ];
  for (const text of texts) {
    const error = await failureOf(() => openText(text));
    assertEquals(error.code, "PLUGIN_FAILED");
    assertStringIncludes(error.message, 'Cannot load plugin "p": ');
  }
});

Deno.test("a login that a plugin asks for reaches it, and one that fails as well", async () => {
  const text = `export default (host) => ({ name: "p", api: 1, transport: [{ schemes: ["x"],
    async source(address, call) { throw new Error(JSON.stringify(await host.credential(address, call))) },
    async sink() {}, async login() {} }] });`;
  const host = createTestHost({}, {
    credential: (place: string) =>
      place === "a" ? Promise.resolve({ username: "u", secret: "s" }) : Promise.reject(new EngineError("DENIED", "No")),
  });
  await using opened = await openText(text, {
    host,
    permissions: { net: ["a", "b"] },
  });
  const [hook] = opened.plugin.transport ?? [];
  assert(hook !== undefined);
  const guarded = guardTransport(hook, "p");
  assertStringIncludes((await failureOf(() => guarded.source("a", call))).message, `{"username":"u","secret":"s"}`);
  assertEquals((await failureOf(() => guarded.source("b", call))).message, "No");
  assertStringIncludes(
    (await failureOf(() => guarded.source("c", call))).message,
    'the login for "c": it may not reach',
  );
});

for (const kind of sandboxPlace({ pluginSandbox: undefined }, true).kinds.filter((kind) => kind !== "worker")) {
  Deno.test(`a plugin that takes all memory, ends its process or writes to its output is told on: ${kind}`, async () => {
    const flood = `const kept = []; for (;;) kept.push(new Array(100000).fill({}));`;
    assertNamed(await keyFailure(flood, { kind }), "layer.contentKey", /its process ended with .*/);
    assertNamed(await keyFailure(`while (true);`, { kind, timeoutSeconds: 0.4 }), "layer.contentKey", /did not answer/);
    assertNamed(await keyFailure(`throw new Error("oops")`, { kind }), "layer.contentKey", /oops/);
    assertNamed(
      await keyFailure(`return await Deno.readTextFile("/etc/shadow")`, { kind }),
      "layer.contentKey",
      /it tried read/,
    );
  });
}

Deno.test("a store that gives other bytes than it was given, or says that it has what it has not, brings none to a reader", async () => {
  const path = new URL("../../../tests/plugins/store_memory.ts", import.meta.url);
  const right = await Deno.readTextFile(path);
  const lying = right.replace(
    "new Blob([blob.bytes.subarray(offset)])",
    "new Blob([blob.bytes.slice(offset).fill(0)])",
  );
  const short = right.replace("new Blob([blob.bytes.subarray(offset)])", "new Blob([blob.bytes.subarray(offset + 1)])");
  for (const text of [lying, short]) {
    assert(text !== right);
    await using opened = await openText(text);
    const [hook] = opened.plugin.store ?? [];
    assert(hook !== undefined);
    await using store = verifiedStore(await guardStore(hook, "p").open("a", call));
    const descriptor = await putBytes(store, makeBytes(1000));
    assertEquals((await failureOf(() => readBlob(store, descriptor))).code, "CONTENT_MISMATCH");
  }
});
