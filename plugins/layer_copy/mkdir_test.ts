import { assertEquals, assertRejects } from "@std/assert";
import type { LayerEntry } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import { layerConformance } from "../../tests/conformance/layer.ts";
import { copyHook, showEntry } from "../../tests/helpers/copy_step.ts";
import { createLayerContext } from "../../tests/helpers/layer_context.ts";
import { createMemoryTree, directory, file, symlink } from "../../tests/helpers/memory_tree.ts";

const passwd = file("etc/passwd", "web:x:33:44::/:\n");

async function mkdir(path: string, base: readonly LayerEntry[], owner: string | null = null): Promise<string[]> {
  const hook = await copyHook("mkdir");
  const context = createLayerContext({ inputs: [createMemoryTree(base)] });
  return await Promise.all(
    (await Array.fromAsync(hook.build({ kind: "mkdir", args: { path, owner } }, context))).map(showEntry),
  );
}

Deno.test("mkdir makes what is missing, for its owner", async () => {
  assertEquals(await mkdir("/a/b", []), ["directory a", "directory a/b"]);
  assertEquals(await mkdir("/a/b/", [directory("a", { uid: 3 }), passwd], "web"), ["directory a/b 33:44"]);
  assertEquals(await mkdir("/a", [], "1000"), ["directory a 1000:1000"]);
});

Deno.test("mkdir makes nothing when the folder is there, also through a link", async () => {
  assertEquals(await mkdir("/", []), []);
  assertEquals(await mkdir("/a", [directory("a")], "unknown"), []);
  assertEquals(await mkdir("/l/b", [symlink("l", "a"), directory("a/b")]), []);
  assertEquals(await mkdir("/l/c", [symlink("l", "../../a"), directory("a/b")]), ["directory a/c"]);
});

Deno.test("mkdir rejects CONFLICT when a file is in the way and NOT_FOUND when the owner is unknown", async () => {
  for (const path of ["/f", "/f/x"]) {
    assertEquals((await assertRejects(() => mkdir(path, [file("f", "")]), EngineError)).code, "CONFLICT");
  }
  assertEquals((await assertRejects(() => mkdir("/a", [passwd], "nobody"), EngineError)).code, "NOT_FOUND");
});

layerConformance("layer_copy mkdir", async () => ({
  hook: await copyHook("mkdir"),
  cases: [{
    name: "two levels",
    op: { kind: "mkdir", args: { path: "/a/b", owner: "7" } },
    context: (signal) => createLayerContext({ inputs: [createMemoryTree([])], ...(signal && { signal }) }),
  }],
  [Symbol.asyncDispose]: () => Promise.resolve(),
}));
