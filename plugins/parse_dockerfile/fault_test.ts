import { assertEquals } from "@std/assert";
import { quote } from "./fault.ts";

Deno.test("quote() spells control characters out when a value holds them", () => {
  assertEquals(quote("a\0\n\u007fb"), '"a\\x00\\x0a\\x7fb"');
});

Deno.test("quote() cuts a value between characters when it is long", () => {
  assertEquals(quote("x".repeat(81)), `"${"x".repeat(80)}…"`);
  assertEquals(quote(`${"x".repeat(79)}😀y`), `"${"x".repeat(79)}…"`);
});
