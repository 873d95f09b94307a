import { assertEquals } from "@std/assert";
import { readGlob } from "./glob.ts";
import { removePrefix, removeSuffix, substitute } from "./substitute.ts";

const star = readGlob("*") ?? { runs: [] };
const nothing = readGlob("") ?? { runs: [] };

Deno.test("removePrefix() and removeSuffix() keep the value when nothing matches", () => {
  const pattern = readGlob("z") ?? nothing;
  assertEquals([removePrefix("abc", pattern, true), removeSuffix("abc", pattern, true)], ["abc", "abc"]);
});

Deno.test("removeSuffix() keeps characters whole when they take two code units", () => {
  assertEquals(removeSuffix("a😀😀", readGlob("?") ?? nothing, false), "a😀");
});

Deno.test("substitute() puts text around every character when the pattern is empty", () => {
  assertEquals(substitute("a😀", nothing, { replacement: "-", every: true }), "-a-😀-");
  assertEquals(substitute("ab", nothing, { replacement: "-", every: false }), "-ab");
});

Deno.test("substitute() replaces once when a match takes the whole value", () => {
  assertEquals(substitute("abc", star, { replacement: "$1", every: true }), "$1");
  assertEquals(substitute("", star, { replacement: "x", every: true }), "x");
});
