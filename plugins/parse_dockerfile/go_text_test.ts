import { assertEquals } from "@std/assert";
import { formatDuration, quoteGo, quoteGoList } from "./go_text.ts";

Deno.test("quoteGo() escapes what Go escapes when it quotes", () => {
  assertEquals(quoteGo(`a"b\\c`), `"a\\"b\\\\c"`);
  assertEquals(quoteGo("\t\n\r\u0007\u0001\u007f"), `"\\t\\n\\r\\a\\x01\\x7f"`);
  assertEquals(quoteGo("é 漢 😀"), `"é 漢 😀"`);
  assertEquals(quoteGo("\u00a0\u200b\u{e0001}"), `"\\u00a0\\u200b\\U000e0001"`);
});

Deno.test("quoteGoList() puts blanks between texts when there are several", () => {
  assertEquals(quoteGoList([]), "[]");
  assertEquals(quoteGoList(["/bin/sh", "-c", "a b"]), `["/bin/sh" "-c" "a b"]`);
});

Deno.test("formatDuration() prints durations as Go does when they are short, long or mixed", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [5, "5ns"],
    [1500, "1.5µs"],
    [1_000_000, "1ms"],
    [1_500_000_000, "1.5s"],
    [30_000_000_000, "30s"],
    [60_000_000_000, "1m0s"],
    [90_000_000_000, "1m30s"],
    [3_600_000_000_000, "1h0m0s"],
    [3_661_500_000_000, "1h1m1.5s"],
  ];
  for (const [nanoseconds, text] of cases) assertEquals(formatDuration(nanoseconds), text);
});
