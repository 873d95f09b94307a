import { assertEquals } from "@std/assert";
import { splitBlanks, splitQuoted } from "./word.ts";

Deno.test("splitBlanks() gives words and places when blanks of every kind are between", () => {
  assertEquals(splitBlanks("x a\t\v b\fc ", 1, 10), [
    { text: "a", start: 2, end: 3 },
    { text: "b", start: 6, end: 7 },
    { text: "c", start: 8, end: 9 },
  ]);
});

Deno.test("splitQuoted() keeps quotes and escapes in words when blanks are protected", () => {
  const text = `a="b \\" c" d\\ e 'f\\' g`;
  assertEquals(splitQuoted(text, { start: 0, end: text.length }, "\\").map((word) => word.text), [
    `a="b \\" c"`,
    "d\\ e",
    "'f\\'",
    "g",
  ]);
});

Deno.test("splitQuoted() drops the escape character when it ends the text", () => {
  assertEquals(splitQuoted("a b\\", { start: 0, end: 4 }, "\\").map((word) => word.text), ["a", "b"]);
  assertEquals(splitQuoted("a \\", { start: 0, end: 3 }, "\\").map((word) => word.text), ["a"]);
  assertEquals(splitQuoted("a b\\\\", { start: 0, end: 5 }, "\\").map((word) => word.text), ["a", "b\\\\"]);
});

Deno.test("splitQuoted() goes on to the end when a quote is open", () => {
  assertEquals(splitQuoted("a 'b c", { start: 0, end: 6 }, "\\").map((word) => word.text), ["a", "'b c"]);
});
