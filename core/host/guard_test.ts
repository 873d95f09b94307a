import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { failureOf } from "../../tests/helpers/failure_of.ts";
import { call } from "../../tests/conformance/store_tools.ts";
import type {
  BuildGraph,
  Descriptor,
  LayerContext,
  LayerEntry,
  LayerHook,
  Named,
  ParseContext,
  Store,
  TransportHook,
} from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import { guardStore, guardTransport } from "./guard.ts";
import { guardLayer, guardParse } from "./guard_build.ts";

const digest = `sha256:${"a".repeat(64)}` as const;

/** A context of which only the call is used. */
const context = { ...call } as LayerContext & ParseContext;

function layerHook(entries: readonly unknown[], end?: () => never): LayerHook {
  return {
    kinds: ["copy"],
    contentKey: () => Promise.resolve(undefined),
    async *build(): AsyncGenerator<LayerEntry> {
      // What a plugin gives has no type once it is running.
      for (const entry of entries) yield entry as LayerEntry;
      end?.();
    },
  };
}

async function build(hook: LayerHook): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  for await (const entry of guardLayer(hook, "p").build({ kind: "copy", args: {} }, context)) entries.push(entry);
  return entries;
}

const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0.5 };
const file = { ...meta, type: "file", path: "a", size: 1, content: new Uint8Array(1) };

const good: readonly unknown[] = [
  { ...meta, type: "directory", path: "." },
  { ...meta, type: "directory", path: "a.b/..c/.d" },
  { ...file, path: "..a" },
  { ...file, size: 2 ** 40, content: () => Promise.reject(new DOMException("unused")) },
  { ...meta, type: "symlink", path: "a", target: "../../x" },
  { ...meta, type: "hardlink", path: "b", target: "a" },
  { ...meta, type: "char", path: "c", major: 1, minor: 3 },
  { ...meta, type: "fifo", path: "f", mtime: -1, mode: 0o7777, uid: 4_000_000_000 },
  { type: "whiteout", path: "w" },
  { type: "opaque", path: "o" },
];

Deno.test("guardLayer() lets entries through when they keep the contract", async () => {
  assertEquals((await build(layerHook(good))).length, good.length);
});

const bad: readonly [string, unknown][] = [
  ["no object", null],
  ["no path", { ...file, path: "" }],
  ["an absolute path", { ...file, path: "/a" }],
  ["a path that climbs", { ...file, path: "a/../../b" }],
  ["a path that is only ..", { ...file, path: ".." }],
  ["a path that ends in ..", { ...file, path: "a/.." }],
  ["a path with . in it", { ...file, path: "a/./b" }],
  ["a path that starts with .", { ...file, path: "./a" }],
  ["a path with empty parts", { ...file, path: "a//b" }],
  ["a path that ends in a slash", { ...file, path: "a/" }],
  ["a path with NUL", { ...file, path: "a\0b" }],
  ["a whiteout that climbs", { type: "whiteout", path: "../a" }],
  ["a file in place of the root", { ...file, path: "." }],
  ["an unknown type", { ...file, type: "door" }],
  ["a mode with type bits", { ...file, mode: 0o100644 }],
  ["a negative owner", { ...file, uid: -1 }],
  ["a fractional group", { ...file, gid: 1.5 }],
  ["no time", { ...file, mtime: NaN }],
  ["a negative size", { ...file, size: -1 }],
  ["a size that is not its content's", { ...file, size: 2 }],
  ["no content", { ...file, content: undefined }],
  ["a symlink to nothing", { ...meta, type: "symlink", path: "a", target: "" }],
  ["a hard link that climbs", { ...meta, type: "hardlink", path: "a", target: "../b" }],
  ["a device without numbers", { ...meta, type: "block", path: "a" }],
];
for (const [what, entry] of bad) {
  Deno.test(`guardLayer() rejects an entry with ${what}`, async () => {
    const error = await failureOf(() => build(layerHook([file, entry])));
    assertEquals(error.code, "PLUGIN_FAILED");
    assertEquals(error.detail, { plugin: "p", hook: "layer.build" });
    assertStringIncludes(error.message, 'layer.build of plugin "p"');
  });
}

Deno.test("guardLayer() names the plugin and keeps the cause when a hook throws", async () => {
  const cause = new TypeError("oops");
  const throwing = layerHook([file], () => {
    throw cause;
  });
  const error = await failureOf(() => build(throwing));
  assertEquals([error.code, error.cause], ["PLUGIN_FAILED", cause]);
  assertStringIncludes(error.message, "oops");
});

Deno.test("guardLayer() lets an engine's error through when a hook throws one", async () => {
  const own = new EngineError("NOT_FOUND", "Cannot find it");
  const throwing = layerHook([], () => {
    throw own;
  });
  assert(await failureOf(() => build(throwing)) === own);
});

Deno.test("guardLayer() says canceled when a hook throws after the signal has aborted", async () => {
  const hook = guardLayer({ ...layerHook([]), contentKey: () => Promise.reject(new DOMException("aborted")) }, "p");
  const aborted = { ...context, signal: AbortSignal.abort() };
  assertEquals((await failureOf(() => hook.contentKey({ kind: "copy", args: {} }, aborted))).code, "CANCELED");
});

Deno.test("guardLayer() rejects a content key that is no digest", async () => {
  const key = "x" as "x:x";
  const hook = guardLayer({ ...layerHook([]), contentKey: () => Promise.resolve(key) }, "p");
  assertEquals((await failureOf(() => hook.contentKey({ kind: "copy", args: {} }, context))).code, "PLUGIN_FAILED");
});

Deno.test("guardLayer() ends the hook's walk when the loop over it ends early or an entry is wrong", async () => {
  let ended = 0;
  const hook: LayerHook = {
    ...layerHook([]),
    async *build(): AsyncGenerator<LayerEntry> {
      try {
        yield file as LayerEntry;
        yield { type: "whiteout", path: "/" };
      } finally {
        ended++;
      }
    },
  };
  for await (const _entry of guardLayer(hook, "p").build({ kind: "copy", args: {} }, context)) break;
  assertEquals(ended, 1);
  await failureOf(() => build(hook));
  assertEquals(ended, 2);
});

Deno.test("guardLayer() passes every entry on when there are many", async () => {
  const many = Array.from({ length: 20_000 }, (_, index) => ({ ...file, path: `some/folder/with/a/file${index}` }));
  let count = 0;
  for await (const entry of guardLayer(layerHook(many), "p").build({ kind: "copy", args: {} }, context)) {
    assert(entry.path === many[count++]?.path);
  }
  assertEquals(count, many.length);
});

const scratch = { type: "scratch" };
const layer = { type: "layer", op: { kind: "copy", args: {} }, inputs: [0], name: "COPY" };
const graph = {
  nodes: [scratch, layer],
  result: 1,
  platform: { os: "linux", architecture: "amd64" },
  config: {},
  history: [{ createdBy: "COPY", emptyLayer: false }, { createdBy: "ENV", emptyLayer: true }],
};

async function parse(value: unknown): Promise<BuildGraph> {
  const hook = guardParse({
    format: "x",
    matches: () => true,
    parse: () => Promise.resolve(value as BuildGraph),
    outline: () => Promise.reject(new DOMException("unused")),
  }, "p");
  return await hook.parse({ path: "f", text: "" }, context);
}

Deno.test("guardParse() lets a graph through when it keeps the contract", async () => {
  assertEquals(await parse(graph) as unknown, graph);
  await parse({ ...graph, nodes: [scratch, layer, { ...layer, inputs: [0, 1], onto: 1 }], result: 1 });
});

const badGraphs: readonly [string, unknown][] = [
  ["nothing", undefined],
  ["no nodes", { ...graph, nodes: {} }],
  ["a result that is not there", { ...graph, result: 2 }],
  ["an input that comes later", { ...graph, nodes: [scratch, { ...layer, inputs: [1] }] }],
  ["an input that is not there", { ...graph, nodes: [scratch, { ...layer, inputs: [-1] }] }],
  ["a layer put on a later node", { ...graph, nodes: [scratch, { ...layer, onto: 1 }] }],
  ["a layer without inputs", { ...graph, nodes: [scratch, { ...layer, inputs: [] }] }],
  ["a layer without operation", { ...graph, nodes: [scratch, { ...layer, op: { kind: "" } }] }],
  ["an unknown node", { ...graph, nodes: [{ type: "door" }, layer] }],
  ["an image that is not pinned", { ...graph, nodes: [{ type: "image", reference: "a" }, layer] }],
  ["no platform", { ...graph, platform: undefined }],
  ["no config", { ...graph, config: undefined }],
  ["no history", { ...graph, history: undefined }],
  ["history that does not match", { ...graph, history: [] }],
];
for (const [what, value] of badGraphs) {
  Deno.test(`guardParse() rejects a graph with ${what}`, async () => {
    assertEquals((await failureOf(() => parse(value))).code, "PLUGIN_FAILED");
  });
}

/** A store of which only a few methods are used. */
function storeOf(methods: Partial<Store>): Promise<Store> {
  const hook = { driver: "x", open: () => Promise.resolve(methods as Store) };
  return guardStore(hook, "p").open("", call);
}

Deno.test("guardStore() guards the stores that are opened", async () => {
  const store = await storeOf({
    has: () => Promise.reject(new TypeError("oops")),
    localPath: () => {
      throw new TypeError("oops");
    },
    resolve: () => Promise.resolve({ mediaType: "x", digest, size: -1 }),
    async *names(): AsyncGenerator<Named> {
      yield { name: "a", descriptor: { mediaType: "", digest, size: 1 } };
    },
    blobs: () => {
      throw new TypeError("oops");
    },
  });
  const descriptor = { mediaType: "x", digest, size: 1 };
  const hooks: unknown[] = [];
  for (
    const work of [
      () => store.has(descriptor, call),
      () => Promise.try(() => store.localPath(digest)),
      () => store.resolve("a", call),
      () => Array.fromAsync(store.names("", call)),
      () => Array.fromAsync(store.blobs(call)),
    ]
  ) {
    const error = await failureOf(work);
    assertEquals(error.code, "PLUGIN_FAILED");
    hooks.push(error.detail.hook);
  }
  assertEquals(hooks, ["store.has", "store.localPath", "store.resolve", "store.names", "store.blobs"]);
});

Deno.test("guardTransport() checks names, referrers and logins, and names the plugin", async () => {
  const missing = (): never => {
    throw new TypeError("unused");
  };
  const rest = { names: missing, resolve: missing, open: missing, quota: () => undefined };
  const hook: TransportHook = {
    schemes: ["x"],
    source: () =>
      Promise.resolve({
        ...rest,
        // What a plugin gives has no type once it is running.
        list: () => ReadableStream.from([5 as unknown as string]),
        referrers: () => ReadableStream.from([{} as Descriptor]),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    sink: missing,
    login: () => Promise.reject(new TypeError("it broke")),
  };
  const guarded = guardTransport(hook, "p");
  await using source = await guarded.source("", call);
  const subject = { mediaType: "a/b", digest, size: 1 };
  const errors = [
    await failureOf(() => Array.fromAsync(source.list("", call))),
    await failureOf(() => Array.fromAsync(source.referrers({ subject }, call))),
    await failureOf(() => guarded.login("h", { username: "", secret: "" }, call)),
  ];
  assertEquals(errors.map(({ code, detail }) => [code, detail.plugin, detail.hook]), [
    ["PLUGIN_FAILED", "p", "transport.list"],
    ["PLUGIN_FAILED", "p", "transport.referrers"],
    ["PLUGIN_FAILED", "p", "transport.login"],
  ]);
  assertEquals(source.quota(), undefined);
});
