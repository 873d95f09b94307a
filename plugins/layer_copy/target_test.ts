import { assertEquals, assertRejects } from "@std/assert";
import type { LayerEntry, Tree } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { createLayerContext } from "../../tests/helpers/layer_context.ts";
import { createMemoryTree, directory, file, symlink } from "../../tests/helpers/memory_tree.ts";
import { type CopyEnvironment, type Node, type SolidEntry, unchanged } from "./node.ts";
import { Target } from "./target.ts";

const environment: CopyEnvironment = { kit: createKit(), context: createLayerContext() };

function node(entry: LayerEntry): Node {
  return { from: "entry", entry: entry as SolidEntry, style: unchanged, isShared: false };
}

function targetOn(entries: readonly LayerEntry[]): Target {
  return new Target(createMemoryTree(entries), environment);
}

Deno.test("Target.resolve() follows links of the tree below inside the root", async () => {
  const target = targetOn([
    symlink("lib", "usr/lib"),
    symlink("up", "../../../lib/x"),
    symlink("abs", "/lib"),
    directory("usr/lib"),
  ]);
  assertEquals(await target.resolve("/lib/a"), "usr/lib/a");
  assertEquals(await target.resolve("up/y"), "usr/lib/x/y");
  assertEquals(await target.resolve("abs/../z"), "usr/z");
  assertEquals(await target.resolve("/"), "");
  assertEquals(await target.resolve("gone/../../a"), "a");
});

Deno.test("Target.resolve() throws INVALID_ARGUMENT when links form a loop", async () => {
  const target = targetOn([symlink("a", "b"), symlink("b", "a")]);
  const error = await assertRejects(() => target.resolve("a/x"), EngineError);
  assertEquals(error.code, "INVALID_ARGUMENT");
});

Deno.test("Target.resolve() follows links that were placed", async () => {
  const target = targetOn([directory("opt")]);
  await target.place("opt/current", node(symlink("current", "v2")));
  assertEquals(await target.resolve("opt/current/bin"), "opt/v2/bin");
});

Deno.test("Target.place() merges folders and refuses to change kinds", async () => {
  const target = targetOn([directory("d"), file("f", "x"), symlink("l", "d")]);
  await target.place("d", node(directory("d", { mode: 0o700 })));
  await target.place("f", node(file("f", "y")));
  await target.place("l", node(file("l", "z")));
  for (const [path, entry] of [["d", file("d", "x")], ["f", directory("f")], ["l", directory("l")]] as const) {
    const error = await assertRejects(() => target.place(path, node(entry)), EngineError);
    assertEquals(error.code, "CONFLICT", path);
  }
});

Deno.test("Target.replace() hides what a replaced folder held", async () => {
  const target = targetOn([directory("d"), file("d/old", "x"), file("d/deep/old", "x")]);
  await target.replace("d", node(file("d", "now a file")));
  assertEquals(await target.find("d/old"), undefined);
  await target.replace("d", node(directory("d")));
  assertEquals(await target.find("d/old"), undefined);
  assertEquals(await target.find("d/deep/old"), undefined);
  assertEquals(target.isOpaque("d"), true);
  assertEquals([...target.nodes.keys()], ["d"]);
});

Deno.test("Target.replace() drops what was placed below a folder when a file takes its place", async () => {
  const target = targetOn([]);
  await target.replace("d", node(directory("d")));
  await target.replace("d/x", node(file("x", "1")));
  await target.replace("d", node(file("d", "2")));
  assertEquals([...target.nodes.keys()], ["d"]);
  assertEquals(target.isOpaque("d"), false);
});

Deno.test("Target.makeFolders() makes what is missing and stops at a file", async () => {
  const target = targetOn([directory("a"), file("a/f", "x")]);
  await target.makeFolders("a/b/c", (path) => node(directory(path)));
  assertEquals([...target.nodes.keys()], ["a/b", "a/b/c"]);
  const error = await assertRejects(() => target.makeFolders("a/f/g", (path) => node(directory(path))), EngineError);
  assertEquals(error.message, 'Cannot create directory "/a/f/g": "/a/f" exists and is no directory');
});

Deno.test("Target asks the tree below once per folder, not once per file", async () => {
  let calls = 0;
  const base = createMemoryTree([directory("app"), file("app/old", "x")]);
  const counted: Tree = new Proxy(base, {
    get(tree, name): unknown {
      const member: unknown = Reflect.get(tree, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        calls++;
        return Reflect.apply(member, tree, args);
      };
    },
  });
  const target = new Target(counted, environment);
  for (let i = 0; i < 1000; i++) await target.place(`app/${i}`, node(file(`${i}`, "")));
  assertEquals(target.nodes.size, 1000);
  assertEquals(calls <= 6, true, `${calls} calls`);
});
