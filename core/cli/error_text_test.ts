import { assertEquals } from "@std/assert";
import { EngineError } from "../errors.ts";
import { formatError, toEngineError } from "./error_text.ts";

Deno.test("formatError() shows message, place with caret, and hint", () => {
  const range = { file: "Dockerfile", line: 12, endLine: 12, column: 6, endColumn: 11, source: "COPY --lnik a b" };
  const error = new EngineError("PARSE_FAILED", 'Cannot read flag "--lnik": unknown', {
    detail: { range },
    hint: "Did you mean --link?",
  });
  assertEquals(
    formatError(error, false),
    [
      'error: Cannot read flag "--lnik": unknown',
      "  --> Dockerfile:12:6",
      " 12 | COPY --lnik a b",
      "    |      ^^^^^",
      "hint: Did you mean --link?",
      "",
    ].join("\n"),
  );
});

Deno.test("formatError() shows control characters as escapes wherever they come from", () => {
  const range = { file: "a\x1b[2J", line: 1, endLine: 1, source: "b\x1b[2J" };
  const error = new EngineError("INTERNAL", "c\x1b[2J", {
    cause: new TypeError("d\x1b[2J"),
    detail: { range, output: ["e\x9b2J"], step: "f\x1b[2J" },
    hint: 'Check the spelling: "/f\x1b[2J" is there',
  });
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  assertEquals(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.exec(formatError(error, false)), null);
});

Deno.test("formatError() shows the last lines of a failed step before what failed", () => {
  const range = { file: "Dockerfile", line: 3, endLine: 3, source: "RUN make" };
  const output = ["10%\r20%", "\x1b[31mcc: not found\x1b[0m", ""];
  const detail = { range, output, exitCode: 2, step: "[2/3] RUN make" };
  assertEquals(
    formatError(new EngineError("STEP_FAILED", 'Cannot run "make": exit code 2', { detail }), false).split("\n"),
    [
      "------",
      " > [2/3] RUN make:",
      "20%",
      "cc: not found",
      "",
      "------",
      'error: Cannot run "make": exit code 2',
      "  --> Dockerfile:3",
      " 3 | RUN make",
      "   | ^^^^^^^^",
      "",
    ],
  );
  const silent = formatError(new EngineError("STEP_FAILED", "m", { detail: { output: [], step: "s" } }), false);
  assertEquals(silent, "error: m\n");
});

Deno.test("formatError() underlines the whole line when no column is known and cuts long lines", () => {
  const range = { file: "f", line: 1, endLine: 3, source: "RUN x \\" };
  const text = formatError(new EngineError("PARSE_FAILED", "m", { detail: { range } }), false);
  assertEquals(text.split("\n").slice(2, 4), [" 1 | RUN x \\", "   | ^^^^^^^"]);
  const long = { file: "f", line: 1, endLine: 1, column: 1001, endColumn: 1003, source: "a".repeat(2000) };
  const lines = formatError(new EngineError("PARSE_FAILED", "m", { detail: { range: long } }), false).split("\n");
  assertEquals(lines[2], ` 1 | ${"a".repeat(160)}`);
  assertEquals(lines[3], `   | ${" ".repeat(40)}^^`);
});

Deno.test("formatError() tells how to report a bug and keeps colours to terminals", () => {
  const text = formatError(toEngineError(new TypeError("boom")), true);
  assertEquals(text.includes("\x1b[31merror:\x1b[0m"), true);
  assertEquals(text.includes("This is a bug in strata"), true);
  assertEquals(toEngineError(new DOMException("x", "AbortError")).code, "CANCELED");
});
