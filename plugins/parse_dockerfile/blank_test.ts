import { assertEquals } from "@std/assert";
import { isBlank, isSpace, trimSpace } from "./blank.ts";

Deno.test("isSpace() knows Unicode's white space when a character is outside ASCII", () => {
  const spaces = [
    "\t",
    "\n",
    "\v",
    "\f",
    "\r",
    " ",
    "\u0085",
    "\u00a0",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u202f",
    "\u3000",
  ];
  assertEquals(spaces.filter((character) => !isSpace(character)), []);
  assertEquals(["", undefined, "a", "\u200b", "\ufeff", "\u0000", "\u001c"].filter(isSpace), []);
});

Deno.test("isBlank() leaves other white space out when words are cut", () => {
  assertEquals([" ", "\t", "\v", "\f", "\r", "\n", "\u00a0", undefined].map(isBlank), [
    true,
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("trimSpace() takes white space off both ends when there is any", () => {
  assertEquals([trimSpace("\u00a0 a b\t"), trimSpace(" \n"), trimSpace("")], ["a b", "", ""]);
});
