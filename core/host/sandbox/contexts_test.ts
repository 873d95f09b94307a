/** What a hook is handed works from inside a sandbox as it does outside. */
import { assert, assertEquals } from "@std/assert";
import { createLayerContext, readContent } from "../../../tests/helpers/layer_context.ts";
import { createMemoryTree, file, symlink } from "../../../tests/helpers/memory_tree.ts";
import { parseContext } from "../../../tests/helpers/parse_context.ts";
import { openSandboxed, openText } from "../../../tests/helpers/sandboxed_plugin.ts";
import { call } from "../../../tests/conformance/store_tools.ts";
import type { LayerContext, LayerEntry, RunSpec } from "../../contract/mod.ts";

function layerText(build: string): string {
  return `export default (host) => ({ name: "p", api: 1, layer: [{
    kinds: ["x.try"], contentKey: () => Promise.resolve(undefined), async *build(op, context) { ${build} } }] });`;
}

async function build(text: string, context: LayerContext): Promise<LayerEntry[]> {
  await using opened = await openText(layerText(text));
  const [hook] = opened.plugin.layer ?? [];
  assert(hook !== undefined);
  const entries: LayerEntry[] = [];
  for await (const entry of hook.build({ kind: "x.try", args: { a: [1, { b: null }] } }, context)) {
    entries.push(entry.type === "file" ? { ...entry, content: await readContent(entry) } : entry);
  }
  return entries;
}

const meta = { mode: 0o644, uid: 1, gid: 2, mtime: 0.5 };

Deno.test("run() of a context is called with what the plugin says, and its entries go through it", async () => {
  const specs: RunSpec[] = [];
  const big = new Uint8Array(400_000).fill(7);
  const context: LayerContext = {
    ...createLayerContext({ inputs: [createMemoryTree([])] }),
    async *run(spec): AsyncGenerator<LayerEntry> {
      specs.push(spec);
      yield { ...meta, type: "file", path: "small", size: 2, content: new Uint8Array([1, 2]) };
      yield {
        ...meta,
        type: "file",
        path: "big",
        size: big.length,
        content: () => Promise.resolve(new Blob([big]).stream()),
      };
      yield await Promise.resolve({ type: "whiteout", path: "gone" } as const);
    },
  };
  const spec = {
    args: ["true"],
    env: ["A=b"],
    cwd: "/",
    user: "",
    network: "none",
    security: "sandbox",
    hostname: null,
    mounts: [],
    files: [],
  };
  const entries = await build(`yield* context.run(${JSON.stringify(spec)})`, context);
  assertEquals<unknown>(specs, [spec]);
  assertEquals<unknown>(entries, [
    { ...meta, type: "file", path: "small", size: 2, content: new Uint8Array([1, 2]) },
    { ...meta, type: "file", path: "big", size: big.length, content: big },
    { type: "whiteout", path: "gone" },
  ]);
});

Deno.test("trees, scratch and facts of a context reach a plugin", async () => {
  const text = "x".repeat(300_000);
  const tree = createMemoryTree([file("d/a", "a"), file("d/b", text), symlink("l", "d")]);
  const context = createLayerContext({ inputs: [tree, createMemoryTree([])], sourceDateEpoch: 5 });
  const entries = await build(
    `
    const [tree] = context.inputs;
    const kept = await Array.fromAsync(tree.walk(".", { exclude: ["l"] }, context));
    const { content } = kept.find(({ path }) => path === "d/b");
    const bytes = content instanceof Uint8Array ? content : new Uint8Array(await new Response(await content()).arrayBuffer());
    const stored = await context.scratch.ingest(new Blob([bytes]).stream(), 1e6);
    await context.scratch.remember("k", { ...stored, annotations: { a: "1" } });
    const recalled = await context.scratch.recall("k");
    const tail = await new Response(await context.scratch.open(recalled)(299_990)).text();
    const facts = [kept.map(({ path }) => path), await tree.resolve("l/a", context), (await tree.stat("l", context)).type,
      (await tree.lstat("l", context)).type, await tree.stat("none", context) === undefined, await tree.list("d", context),
      await new Response(await tree.read("d/a", context)).text(), context.sourceDateEpoch, context.platform.os, context.inputs.length,
      recalled.size, tail, await context.scratch.recall("other") === undefined, op.args];
    yield { type: "symlink", path: "r", target: JSON.stringify(facts), mode: 0, uid: 0, gid: 0, mtime: 0 };`,
    context,
  );
  const [result] = entries;
  assert(result?.type === "symlink");
  assertEquals(JSON.parse(result.target), [
    ["d", "d/a", "d/b"],
    "d/a",
    "directory",
    "symlink",
    true,
    ["a", "b"],
    "a",
    5,
    "linux",
    2,
    300_000,
    "xxxxxxxxxx",
    true,
    { a: [1, { b: null }] },
  ]);
});

Deno.test("a parse context answers, and what it rejects with is the error that comes out", async () => {
  const text =
    `export default () => ({ name: "p", api: 1, parse: [{ format: "x", matches: () => true, outline: async () => ({}),
    async parse(file, context) {
      const base = await context.base("debian", context.platform);
      const facts = [await context.contextFile("a"), await context.siblingFile("none"), context.args, context.contexts, context.noCache,
        context.target, context.buildPlatform.architecture];
      return { nodes: [{ type: "image", reference: "debian", descriptor: base.descriptor }], result: 0, platform: base.platform,
        config: { Labels: { facts: JSON.stringify(facts) } }, history: [] };
    } }] });`;
  await using opened = await openText(text);
  const [hook] = opened.plugin.parse ?? [];
  assert(hook !== undefined);
  const context = parseContext({
    images: { debian: {} },
    files: { a: "text" },
    args: { B: "c" },
    contexts: ["n"],
    target: "t",
  });
  const graph = await hook.parse({ path: "a", text: "" }, context);
  assertEquals(context.asked, ["debian"]);
  assertEquals(JSON.parse(graph.config.Labels?.facts ?? ""), ["text", null, { B: "c" }, ["n"], false, "t", "amd64"]);
});

Deno.test("a source's quota is known after an answer, and a sandboxed store has no files here", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/names.json`, "{}");
    await using transport = await openSandboxed("transport_folder.ts", { permissions: { read: [folder] } });
    await using source = await transport.plugin.transport?.[0]?.source(folder, call);
    assert(source !== undefined);
    assertEquals(source.quota(), undefined);
    await source.resolve("x", call);
    assertEquals(source.quota(), { limit: 100, remaining: 7 });
    await using memory = await openSandboxed("store_memory.ts");
    await using store = await memory.plugin.store?.[0]?.open("a", call);
    assertEquals(store?.localPath(`sha256:${"a".repeat(64)}`), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
