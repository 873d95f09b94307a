import { assertEquals } from "@std/assert";
import { clip } from "./clip.ts";

Deno.test("clip() cuts to columns, of which a wide character takes two", () => {
  assertEquals(clip("abcdef", 4), "abcd");
  assertEquals(clip("abc", 4), "abc");
  assertEquals(clip("漢字漢字", 5), "漢字");
  assertEquals(clip("a😀b", 3), "a😀");
  assertEquals(clip("─────", 3), "───");
  assertEquals(clip("a\tb", 3), "a b");
});
