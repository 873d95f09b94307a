import { assertEquals } from "@std/assert";
import { LogText } from "./log_text.ts";

/** Lines that pieces give, those of the end last. */
function linesOf(...pieces: readonly (string | Uint8Array)[]): string[] {
  const text = new LogText();
  const lines = pieces.flatMap((piece) =>
    text.push(typeof piece === "string" ? new TextEncoder().encode(piece) : piece)
  );
  return [...lines, ...text.end()];
}

Deno.test("LogText gives lines however the bytes are cut", () => {
  assertEquals(linesOf("one\ntwo\n"), ["one", "two"]);
  assertEquals(linesOf("o", "ne\nt", "wo\n\nthree"), ["one", "two", "", "three"]);
  const bytes = new TextEncoder().encode("grün ✓\n");
  assertEquals(linesOf(...Array.from(bytes, (byte) => new Uint8Array([byte]))), ["grün ✓"]);
  assertEquals(linesOf(), []);
});

Deno.test("LogText keeps a line that has not ended", () => {
  const text = new LogText();
  assertEquals([text.push(new TextEncoder().encode("a\nb")), text.rest], [["a"], "b"]);
  assertEquals([text.end(), text.rest, text.end()], [["b"], "", []]);
});

Deno.test("LogText keeps the last state of what carriage returns write over", () => {
  assertEquals(linesOf("10%\r20%\r", "100%\r\n", "done\r", "\n"), ["100%", "done"]);
  assertEquals(linesOf("10%\r", "20%\r"), ["20%"]);
  assertEquals(linesOf("a\r\r\nb"), ["a", "b"]);
});

Deno.test("LogText takes colours out and shows other control characters as escapes", () => {
  assertEquals(linesOf("\x1b[1;31mred\x1b[0m\x1b[K\t\x07\x1b[2J\x9b\n"), ["red\t\\x07\\x1b[2J\\x9b"]);
  assertEquals(linesOf(new Uint8Array([0xff, 0x41, 10])), ["\ufffdA"]);
});

Deno.test("LogText breaks a line that does not end", () => {
  const lines = linesOf("x".repeat(40_000));
  assertEquals(lines.map((line) => line.length), [16_384, 16_384, 7_232]);
});
