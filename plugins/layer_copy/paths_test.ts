import { assertEquals } from "@std/assert";
import { cleanPath, comparePaths, isWithin, joinPath, looksLikeWhiteout, nameOf, parentOf, treePath } from "./paths.ts";

Deno.test("cleanPath() stops at the root when a path climbs", () => {
  const table = {
    "/": "",
    "": "",
    ".": "",
    "..": "",
    "../x": "x",
    "/a//b/./c/": "a/b/c",
    "a/../../b": "b",
    "a/..": "",
  };
  for (const [path, clean] of Object.entries(table)) assertEquals(cleanPath(path), clean, path);
});

Deno.test("parentOf(), nameOf(), joinPath() and treePath() agree about the root", () => {
  assertEquals([parentOf("a/b"), parentOf("a"), parentOf("")], ["a", "", ""]);
  assertEquals([nameOf("a/b"), nameOf("a"), nameOf("")], ["b", "a", ""]);
  assertEquals([joinPath("", "a"), joinPath("a", ""), joinPath("a", "b")], ["a", "a", "a/b"]);
  assertEquals([treePath(""), treePath("a")], [".", "a"]);
});

Deno.test("isWithin() holds for a folder and what is below it only", () => {
  assertEquals([isWithin("a", "a"), isWithin("a/b", "a"), isWithin("ab", "a"), isWithin("x", "")], [
    true,
    true,
    false,
    true,
  ]);
});

Deno.test("looksLikeWhiteout() finds whiteout names in any part", () => {
  assertEquals([".wh.a", "a/.wh..wh..opq", "a/.wh.b/c", "a.wh.b", ".whale"].map(looksLikeWhiteout), [
    true,
    true,
    true,
    false,
    false,
  ]);
});

Deno.test("comparePaths() puts a folder right before what is below it and orders by UTF-8", () => {
  const paths = ["b", "a-b", "a/b", "a", "\u{1F600}", "\uFFFD", "é", "a/b/c", "a/b-"];
  assertEquals(paths.sort(comparePaths), ["a", "a/b", "a/b/c", "a/b-", "a-b", "b", "é", "\uFFFD", "\u{1F600}"]);
});
