import { assertEquals } from "@std/assert";
import { readDuration } from "./duration.ts";

for (
  const [text, nanoseconds] of [
    ["0", 0],
    ["-0", 0],
    ["1h2m3.5s", 3_723_500_000_000],
    ["1.s", 1_000_000_000],
    [".5ms", 500_000],
    ["+3us1µs1μs", 5_000],
    ["-2s", -2_000_000_000],
    ["0.0000000019s", 1],
    ["3000h", 10_800_000_000_000_000],
  ] as const
) {
  Deno.test(`readDuration() gives ${nanoseconds} when the text is ${text}`, () => {
    assertEquals(Object.values(readDuration(text)), [nanoseconds || 0]);
  });
}

for (
  const text of [
    "",
    "+",
    "1",
    "s",
    ".s",
    "1d",
    "1 s",
    "1s ",
    "--1s",
    "1e3s",
    "2562048h",
    "1constructor",
    "9".repeat(200),
  ]
) {
  Deno.test(`readDuration() says why when the text is ${JSON.stringify(text.slice(0, 20))}`, () => {
    assertEquals("state" in readDuration(text), true);
  });
}
