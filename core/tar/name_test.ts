import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { isNormalized, normalizeName } from "./name.ts";

Deno.test("normalizeName() gives the relative path that a name means", () => {
  const cases = {
    "a": "a",
    "a/b": "a/b",
    "./a": "a",
    "/a": "a",
    "a/": "a",
    "a//b": "a/b",
    "a/./b": "a/b",
    "a/../b": "b",
    "": ".",
    "/": ".",
    "./.": ".",
    "a/..": ".",
    "..a": "..a",
    "a..": "a..",
    ".a/.b": ".a/.b",
    "...": "...",
  };
  for (const [name, path] of Object.entries(cases)) assertEquals(normalizeName(name), path);
});

Deno.test("normalizeName() refuses what leads outside, and NULs", () => {
  for (const name of ["..", "../a", "a/../..", "/..", "a/../../b", "a\0"]) {
    assertThrows(() => normalizeName(name), EngineError);
  }
});

Deno.test("isNormalized() says whether normalizeName() would change nothing", () => {
  for (const path of [".", "a", "a/b", "..a/b..", "..."]) assertEquals(isNormalized(path), true);
  for (const path of ["", "/a", "a/", "./a", "a/.", "a//b", "..", "a/../b", "a\0"]) {
    assertEquals(isNormalized(path), false);
  }
});
