import { assertEquals } from "@std/assert";
import { rangeOf } from "./locate.ts";

const at = { file: "Dockerfile", line: 4, endLine: 6, source: "ENV a=b \\" };
const instruction = { at, lines: ["ENV a=b \\", "# c=d", "  c=d"] };

Deno.test("rangeOf() points at the first place when a text is on a line of the instruction", () => {
  assertEquals(rangeOf(instruction, "  c=d"), {
    file: "Dockerfile",
    line: 6,
    endLine: 6,
    column: 1,
    endColumn: 6,
    source: "  c=d",
  });
});

Deno.test("rangeOf() masks what logs in to a URL", () => {
  const lines = ["ADD https://me:secret@host/a /b"];
  assertEquals(rangeOf({ at, lines }, "/b").source, "ADD https://*********@host/a /b");
});

Deno.test("rangeOf() gives the instruction's range when a text is on none of its lines", () => {
  assertEquals([rangeOf(instruction, "a=b c"), rangeOf(instruction, "")], [at, at]);
});
