import { assertEquals } from "@std/assert";
import { createContextTree } from "../../core/build/context_tree.ts";
import { writeTree } from "../../core/build/write_tree.ts";
import type { Call, LayerEntry } from "../../core/contract/mod.ts";
import { createMergedTree } from "../../core/layer/merged_tree.ts";
import { packLayer } from "../../core/layer/pack.ts";
import { type FileSystemKind, openRoot } from "../../core/os/file_system.ts";
import { openLibc } from "../../core/os/libc.ts";
import { createMemoryStore } from "../helpers/memory_store.ts";
import { createMemoryTree } from "../helpers/memory_tree.ts";
import { digestParts, type OpenTree, treeConformance, treeEntries, type TreeFixture } from "./tree.ts";

const call: Call = { signal: new AbortController().signal, emit: () => {} };

/** Entries as files of this host. */
function openContextFixture(kind: FileSystemKind): OpenTree {
  return async (entries) => {
    const directory = await Deno.makeTempDir();
    await writeTree(createMemoryTree(entries), { directory, keepOwners: false }, call);
    const root = openRoot(directory, kind);
    return {
      tree: createContextTree(root, { clock: () => new Date() }),
      async [Symbol.asyncDispose](): Promise<void> {
        root[Symbol.dispose]();
        await Deno.remove(directory, { recursive: true });
      },
    };
  };
}

/** Entries as a layer. */
async function openMergedFixture(entries: readonly LayerEntry[]): Promise<TreeFixture> {
  const store = createMemoryStore();
  const packed = await packLayer(streamEntries(entries), { store }, call);
  return {
    tree: createMergedTree([packed], (descriptor, offset) => store.open(descriptor, call, offset)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function* streamEntries(entries: readonly LayerEntry[]): AsyncGenerator<LayerEntry> {
  yield* entries;
}

const kinds: readonly FileSystemKind[] = openLibc() === undefined ? ["portable"] : ["libc", "portable"];

for (const kind of kinds) treeConformance(`context tree (${kind})`, openContextFixture(kind));
treeConformance("merged tree", openMergedFixture);

Deno.test("digest() is the same when the same files are a directory and a layer", async () => {
  await using merged = await openMergedFixture(treeEntries);
  const expected = await digestParts(merged.tree);
  for (const kind of kinds) {
    await using context = await openContextFixture(kind)(treeEntries);
    assertEquals(await digestParts(context.tree), expected, kind);
  }
});
