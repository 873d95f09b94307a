import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { cleanAbsolute, normalizePath } from "./normalize.ts";

Deno.test("normalizePath() cleans a path", () => {
  assertEquals(["", ".", "/", "./", "a/..", "//"].map(normalizePath), Array(6).fill("."));
  assertEquals(["/a/b/", "a//b", "./a/./b", "a/x/../b"].map(normalizePath), Array(4).fill("a/b"));
  assertEquals(normalizePath("..a/b.."), "..a/b..");
});

Deno.test("normalizePath() refuses what leaves its root", () => {
  for (const path of ["..", "../a", "/..", "a/../../b", "/../../etc/passwd"]) {
    assertThrows(() => normalizePath(path), EngineError, "leads outside its root");
  }
  assertThrows(() => normalizePath("a\0b"), EngineError, "holds a NUL byte");
});

Deno.test("cleanAbsolute() stops at the root", () => {
  assertEquals(cleanAbsolute("../../x"), "/x");
  assertEquals(cleanAbsolute("/a/../../b/./c/"), "/b/c");
  assertEquals(cleanAbsolute(""), "/");
  assertThrows(() => cleanAbsolute("\0"), EngineError, "holds a NUL byte");
});
