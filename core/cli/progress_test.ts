import { assertEquals } from "@std/assert";
import type { EngineEvent } from "../contract/call.ts";
import { createTestTerminal } from "../../tests/helpers/test_terminal.ts";
import { createProgress, type ProgressKind } from "./progress.ts";

const events: EngineEvent[] = [
  { type: "step-started", step: "a", name: "[1/2] COPY a /" },
  { type: "step-started", step: "b", name: "[2/2] RUN \x1b[31mx" },
  { type: "step-progress", step: "a", current: 1500, total: 3000, unit: "bytes" },
  { type: "step-log", step: "b", stream: "stdout", data: new TextEncoder().encode("one\ntwo\n") },
  {
    type: "warning",
    code: "StageNameCasing",
    message: "name is upper case",
    at: { file: "Dockerfile", line: 3, endLine: 3 },
  },
  { type: "step-ended", step: "a", outcome: "cached" },
  { type: "step-ended", step: "b", outcome: "done" },
];

function show(kind: ProgressKind, isTerminal = false): string {
  const terminal = createTestTerminal({ isTerminal, columns: 60 });
  let time = 0;
  const progress = createProgress(kind, terminal, () => time += 250);
  for (const event of events) progress.emit(event);
  progress.end();
  return terminal.stderrText();
}

Deno.test("createProgress() plain gives a line when a step starts, logs, ends, and warnings last", () => {
  assertEquals(
    show("plain").split("\n"),
    [
      "#1 [1/2] COPY a /",
      "#2 [2/2] RUN \\x1b[31mx",
      "#2 0.250 one",
      "#2 0.500 two",
      "#1 CACHED",
      "#2 DONE 1.0s",
      "",
      "1 warning found:",
      " - StageNameCasing: name is upper case (line 3)",
      "",
    ],
  );
  assertEquals(show("auto"), show("plain"));
});

Deno.test("createProgress() rawjson gives every event as a line of JSON", () => {
  const lines = show("rawjson").trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, events.length);
  assertEquals(lines[3].data, "one\ntwo\n");
});

Deno.test("createProgress() quiet shows nothing", () => {
  assertEquals(show("quiet"), "");
});

Deno.test("createProgress() tty redraws running steps within the width and leaves ended ones", () => {
  const text = show("tty", true);
  assertEquals(text.includes(" => CACHED     [1/2] COPY a /\n"), true);
  assertEquals(text.includes("1.5kB / 3kB"), true);
  // deno-lint-ignore no-control-regex -- the escapes are what is tested
  const lines = text.replace(/\x1b\[\d*[AJ]/g, "").split("\n");
  assertEquals(lines.filter((line) => line.startsWith(" ..")).every((line) => line.length < 60), true);
  assertEquals(text.endsWith(" - StageNameCasing: name is upper case (line 3)\n"), true);
});
