import { assertEquals } from "@std/assert";
import { compareNames, comparePaths } from "./path_order.ts";

Deno.test("compareNames() orders as UTF-8 bytes do", () => {
  const names = ["", "a", "a-", "a.b", "aa", "b", "Ω", "日", "\ue000", "\uffff", "\u{10000}", "😀"];
  assertEquals([...names].reverse().sort(compareNames), names);
  const encoder = new TextEncoder();
  const bytewise = [...names].sort((a, b) => {
    const [x, y] = [encoder.encode(a), encoder.encode(b)];
    return x.toHex() < y.toHex() ? -1 : 1;
  });
  assertEquals(bytewise, names);
});

Deno.test("comparePaths() puts a directory right before what is below it", () => {
  const paths = [".", "a", "a/b", "a/b/c", "a/b-", "a!", "a-b", "a-b/c", "a.", "aa", "b/a", "\ue000", "😀/a"];
  assertEquals([...paths].reverse().sort(comparePaths), paths);
  assertEquals(comparePaths("a", "a"), 0);
});
