import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { type LineCursor, maxLineBytes, readLogicalLine } from "./logical_line.ts";
import { cutLines } from "./source.ts";

function cursor(text: string, escape = "\\"): LineCursor {
  return {
    source: { kit: createKit(), file: "f", escape, lines: cutLines(text) },
    next: 0,
    comments: [],
    warnings: [],
  };
}

Deno.test("readLogicalLine() tells where each piece stands when lines are joined", () => {
  const line = readLogicalLine(cursor("# x\n  a `\n#\n\n b`\t\nc\nd\n", "`"));
  assertEquals(line, {
    text: "a  bc",
    pieces: [{ start: 0, line: 2, skipped: 2 }, { start: 2, line: 5, skipped: 0 }, { start: 4, line: 6, skipped: 0 }],
    line: 2,
    endLine: 6,
    comments: ["x"],
  });
});

Deno.test("readLogicalLine() warns once when several empty lines are inside", () => {
  const lines = cursor("a \\\n\n \nb\n");
  readLogicalLine(lines);
  assertEquals(lines.warnings.map(({ rule, at }) => [rule, at.line]), [["NoEmptyContinuation", 2]]);
});

Deno.test("readLogicalLine() gives nothing when only comments and blank lines are left", () => {
  assertEquals(readLogicalLine(cursor("\n # a\n\t\n")), undefined);
});

Deno.test("readLogicalLine() counts bytes when it refuses a long line", () => {
  assertEquals(readLogicalLine(cursor("x".repeat(maxLineBytes)))?.text.length, maxLineBytes);
  const error = assertThrows(() => readLogicalLine(cursor("é".repeat(maxLineBytes / 2 + 1))), EngineError);
  assertEquals([error.code, error.message], ["PARSE_FAILED", "Cannot read line 1: longer than 65535 bytes"]);
});
