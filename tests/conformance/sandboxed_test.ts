/** Plugins of one file, each with its kind of hook, keep the contract from inside a sandbox. */
import { assert } from "@std/assert";
import { sandboxPlace } from "../../core/engine_sandbox.ts";
import { createLayerContext } from "../helpers/layer_context.ts";
import { createMemoryTree, files } from "../helpers/memory_tree.ts";
import { openSandboxed } from "../helpers/sandboxed_plugin.ts";
import { layerConformance } from "./layer.ts";
import { parseConformance } from "./parse.ts";
import { testStore } from "./store.ts";
import { call } from "./store_tools.ts";
import { transportConformance } from "./transport.ts";
import type { LayerContext, ParseHook } from "../../core/contract/mod.ts";

function first<T>(hooks: readonly T[] | undefined): T {
  const [hook] = hooks ?? [];
  assert(hook !== undefined);
  return hook;
}

const file = (text: string): { path: string; text: string } => ({ path: "app.list", text });

const { kinds } = sandboxPlace({ pluginSandbox: undefined }, true);

for (const kind of kinds.filter((kind) => kind !== "process")) {
  // What ends with the tests of this file: a parse suite does not say when it is over.
  const lists = Promise.withResolvers<ParseHook>();
  let isStarted = false;

  parseConformance(`list-file in ${kind}`, async (): Promise<ParseHook> => {
    if (!isStarted) {
      isStarted = true;
      lists.resolve(first((await openSandboxed("list_file.ts", { kind })).plugin.parse));
    }
    return await lists.promise;
  }, {
    good: [
      { file: file("a\nb\n") },
      { file: file("base debian\na\n"), input: { images: { debian: {} } } },
      { file: file("") },
    ],
    malformed: [{ file: file("a\nb c\n"), line: 2 }],
    foreign: [{ path: "Dockerfile", text: "FROM a" }],
    missingBase: file("base nowhere\n"),
  });

  layerConformance(`layer-archive in ${kind}`, async () => {
    const opened = await openSandboxed("layer_archive.ts", { kind });
    const context = (text: string, signal?: AbortSignal): LayerContext =>
      createLayerContext({
        inputs: [createMemoryTree([]), createMemoryTree(files({ "d/a": text, "d/b": "b".repeat(300_000) }))],
        ...(signal === undefined ? {} : { signal }),
      });
    return {
      hook: first(opened.plugin.layer),
      cases: [{
        name: "a folder",
        op: { kind: "archive.pack", args: { source: "d", target: "d.tar" } },
        context: (signal) => context("a", signal),
        changed: () => context("other"),
      }],
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  });

  testStore(`store-memory in ${kind}`, async () => {
    const opened = await openSandboxed("store_memory.ts", { kind });
    return {
      open: () => first(opened.plugin.store).open("place", call),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  });

  transportConformance(`transport-folder in ${kind}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "strata-test-" });
    const granted = { read: [folder], write: [folder] };
    const opened = await openSandboxed("transport_folder.ts", { permissions: granted, kind });
    let count = 0;
    return {
      hook: first(opened.plugin.transport),
      address: () => `${folder}/${++count}`,
      exists: async (address) => await Deno.stat(address).then(() => true, () => false),
      name: (text) => text,
      holdsOne: false,
      listsUnnamed: true,
      async [Symbol.asyncDispose](): Promise<void> {
        await opened[Symbol.asyncDispose]();
        await Deno.remove(folder, { recursive: true });
      },
    };
  });
}
