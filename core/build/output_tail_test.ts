import { assertEquals } from "@std/assert";
import { OutputTail } from "./output_tail.ts";

function tailOf(...parts: readonly (string | Uint8Array)[]): readonly string[] {
  const tail = new OutputTail();
  for (const part of parts) tail.add(typeof part === "string" ? new TextEncoder().encode(part) : part);
  return tail.lines();
}

Deno.test("OutputTail keeps whole lines however they come in parts", () => {
  assertEquals(tailOf(), []);
  assertEquals(tailOf("a\nb", "c\n"), ["a", "bc"]);
  assertEquals(tailOf("a\n", "\n", "b"), ["a", "", "b"]);
});

Deno.test("OutputTail keeps the last 20 lines, the unfinished one included", () => {
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  assertEquals(tailOf(lines.join("\n") + "\n"), lines.slice(-20));
  assertEquals(tailOf(lines.join("\n")), lines.slice(-20));
  assertEquals(tailOf(...lines.map((line) => `${line}\n`)), lines.slice(-20));
});

Deno.test("OutputTail bounds a line that does not end", () => {
  const tail = new OutputTail();
  for (let i = 0; i < 1000; i++) tail.add(new TextEncoder().encode("x".repeat(10_000)));
  assertEquals(tail.lines().map(({ length }) => length), [2000]);
  assertEquals(tailOf(`${"y".repeat(3000)}\n`).map(({ length }) => length), [2000]);
});

Deno.test("OutputTail reads a character that is cut in two, and what is no text", () => {
  const [first, second] = [new Uint8Array([0xc3]), new Uint8Array([0xa9, 0x0a])];
  assertEquals(tailOf(first, second), ["é"]);
  assertEquals(tailOf(new Uint8Array([0xff, 0x0a])), ["\ufffd"]);
});
