import { assertEquals } from "@std/assert";
import { baseName, cleanAbsolute, joinAbsolute, treePath } from "./path_text.ts";

Deno.test("cleanAbsolute() stays below the root when a path tries to leave it", () => {
  assertEquals(cleanAbsolute("/../../etc//passwd/."), "/etc/passwd");
  assertEquals(cleanAbsolute(""), "/");
  assertEquals(cleanAbsolute("a/b/../c/"), "/a/c");
});

Deno.test("joinAbsolute() starts at the root when the path is absolute", () => {
  assertEquals(joinAbsolute("/w/x", "../y"), "/w/y");
  assertEquals(joinAbsolute("/w", "/y"), "/y");
  assertEquals(joinAbsolute("/w", ""), "/w");
  assertEquals(joinAbsolute("/w", "../../../y"), "/y");
});

Deno.test("treePath() gives the root as a dot when nothing is left", () => {
  assertEquals([treePath("/"), treePath("."), treePath("../.."), treePath("./a//b/")], [".", ".", ".", "a/b"]);
});

Deno.test("baseName() gives the last part when there are several", () => {
  assertEquals([baseName("/a/b/"), baseName("c"), baseName("/")], ["b", "c", ""]);
});
