import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { applyLayer, emptyTree } from "./file_tree.ts";
import type { IndexEntry } from "./layer_index.ts";
import { selectPaths } from "./selection.ts";

function select(paths: readonly string[], exclude: readonly string[]): string[] {
  const root = emptyTree();
  const meta = { mode: 0, uid: 0, gid: 0, mtime: 0, type: "fifo" } as const;
  applyLayer(root, { entries: paths.map((path): IndexEntry => ({ ...meta, path })) }, 0);
  return selectPaths(root, exclude).map(({ path }) => path);
}

const paths = ["a/b/c", "a/b/d", "a/e", "f", "g/h"];

Deno.test("selectPaths() gives everything when nothing is excluded", () => {
  assertEquals(select(paths, []), ["", "a", "a/b", "a/b/c", "a/b/d", "a/e", "f", "g", "g/h"]);
});

Deno.test("selectPaths() leaves out excluded directories with all below them", () => {
  assertEquals(select(paths, ["a", "g/h"]), ["", "f", "g"]);
  assertEquals(select(paths, ["**"]), [""]);
});

Deno.test("selectPaths() gives excluded directories for the sake of what is re-included in them", () => {
  assertEquals(select(paths, ["a", "g", "!a/b/d", "!g/none"]), ["", "a", "a/b", "a/b/d", "f"]);
  assertEquals(select(paths, ["**", "!a/e", "!g/h"]), ["", "a", "a/e", "g", "g/h"]);
});

Deno.test("selectPaths() refuses malformed patterns", () => {
  assertThrows(() => select(paths, ["!"]), EngineError);
});
