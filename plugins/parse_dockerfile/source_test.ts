import { assertEquals } from "@std/assert";
import { createKit } from "../../core/kit.ts";
import { cutLines, linesRange, type LogicalLine, type Source, spanRange } from "./source.ts";

const source: Source = { kit: createKit(), file: "f", escape: "\\", lines: ["FROM a", "  RUN b\\\r", "# c", "d e"] };
const line: LogicalLine = {
  text: "RUN bd e",
  pieces: [{ start: 0, line: 2, skipped: 2 }, { start: 5, line: 4, skipped: 0 }],
  line: 2,
  endLine: 4,
  comments: [],
};

Deno.test("cutLines() leaves the byte order mark and the empty end out when a text has them", () => {
  assertEquals(cutLines("\ufeffa\r\n\nb\n"), ["a\r", "", "b"]);
  assertEquals([cutLines(""), cutLines("\n"), cutLines("a")], [[], [""], ["a"]]);
});

Deno.test("spanRange() counts columns in the file's lines when a line was joined", () => {
  const first = { file: "f", line: 2, source: "  RUN b\\" };
  assertEquals(spanRange(source, line, { start: 0, end: 3 }), { ...first, endLine: 2, column: 3, endColumn: 6 });
  assertEquals(spanRange(source, line, { start: 4, end: 6 }), { ...first, endLine: 4, column: 7, endColumn: 2 });
  const last = { file: "f", line: 4, endLine: 4, source: "d e" };
  assertEquals(spanRange(source, line, { start: 7, end: 8 }), { ...last, column: 3, endColumn: 4 });
});

Deno.test("linesRange() and spanRange() mask what logs in to a URL and keep the columns", () => {
  const lines = ["ADD https://me:secret@host/a?b=c@d ssh://git@host/x /e"];
  const at = linesRange({ ...source, lines }, 1, 1);
  assertEquals(at.source, "ADD https://*********@host/a?b=c@d ssh://git@host/x /e");
  assertEquals(at.source?.length, lines[0]?.length);
  const joined = { ...line, text: lines[0] ?? "", pieces: [{ start: 0, line: 1, skipped: 0 }] };
  assertEquals(spanRange({ ...source, lines }, joined, { start: 0, end: 3 }).source, at.source);
});

Deno.test("spanRange() gives the fixed place when the text is not in the user's file", () => {
  const fixedAt = { file: "g", line: 9, endLine: 9 };
  assertEquals(spanRange({ ...source, fixedAt }, line, { start: 0, end: 3 }), fixedAt);
});
