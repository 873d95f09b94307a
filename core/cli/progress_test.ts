import { assertEquals } from "@std/assert";
import type { EngineEvent } from "../contract/call.ts";
import { createTestTerminal, type TestTerminal } from "../../tests/helpers/test_terminal.ts";
import { EngineError } from "../errors.ts";
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

async function show(kind: ProgressKind, isTerminal = false): Promise<string> {
  const terminal = createTestTerminal({ isTerminal, columns: 60 });
  let time = 0;
  const progress = await createProgress(kind, terminal, () => time += 250);
  for (const event of events) progress.emit(event);
  progress.end();
  return terminal.stderrText();
}

Deno.test("createProgress() plain gives a line when a step starts, logs, ends, and warnings last", async () => {
  assertEquals(
    (await show("plain")).split("\n"),
    [
      "#1 [1/2] COPY a /",
      "#2 [2/2] RUN \\x1b[31mx",
      "#2 0.250 one",
      "#2 0.250 two",
      "#1 CACHED",
      "#2 DONE 0.5s",
      "",
      "1 warning found:",
      " - StageNameCasing: name is upper case (line 3)",
      "",
    ],
  );
  assertEquals(await show("auto"), await show("plain"));
});

Deno.test("createProgress() rawjson gives every event as a line of JSON", async () => {
  const lines = (await show("rawjson")).trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, events.length);
  assertEquals(lines[3].data, "one\ntwo\n");
});

Deno.test("createProgress() quiet shows nothing", async () => {
  assertEquals(await show("quiet"), "");
});

Deno.test("createProgress() tty redraws running steps within the width and leaves ended ones", async () => {
  const text = await show("tty", true);
  assertEquals(text.includes(" => CACHED     [1/2] COPY a /\n"), true);
  assertEquals(text.includes("1.5kB / 3kB"), true);
  // deno-lint-ignore no-control-regex -- the escapes are what is tested
  const lines = text.replace(/\x1b\[\d*[AJ]/g, "").split("\n");
  assertEquals(lines.filter((line) => line.startsWith(" ..")).every((line) => line.length < 60), true);
  assertEquals(text.endsWith(" - StageNameCasing: name is upper case (line 3)\n"), true);
});

function log(step: string, text: string, stream: "stdout" | "stderr" = "stdout"): EngineEvent {
  return { type: "step-log", step, stream, data: new TextEncoder().encode(text) };
}

/** What is on a screen after text with the sequences that the live view uses: up, erase below. */
function screenOf(text: string): string[] {
  const lines: string[] = [];
  let row = 0;
  // deno-lint-ignore no-control-regex -- the escapes are what is played
  for (const [piece, up] of text.matchAll(/\x1b\[(\d+)A\x1b\[J|[^\n\x1b]*\n/g)) {
    if (up !== undefined) {
      row -= Number(up);
      assertEquals(row >= 0, true, "nothing above the screen is drawn over");
      lines.length = row;
    } else lines[row++] = piece.slice(0, -1);
  }
  return lines;
}

interface Live {
  readonly terminal: TestTerminal;
  emit(...events: readonly EngineEvent[]): void;
  end(error?: unknown): void;
  screen(): string[];
}

async function live(columns = 60, rows = 24): Promise<Live> {
  const terminal = createTestTerminal({ isTerminal: true, columns, rows });
  let time = 0;
  const progress = await createProgress("tty", terminal, () => time += 250);
  return {
    terminal,
    emit: (...events) => events.forEach((event) => progress.emit(event)),
    end: (error) => progress.end(error),
    screen: () => screenOf(terminal.stderrText()).map((line) => line.replace(/ \d+\.\ds */, " ")),
  };
}

Deno.test("createProgress() plain buffers lines for each step and stream and gives the rest when the step ends", async () => {
  const terminal = createTestTerminal();
  const progress = await createProgress("plain", terminal, () => 0);
  for (
    const event of [
      { type: "step-started", step: "a", name: "A" },
      { type: "step-started", step: "b", name: "B" },
      log("a", "out "),
      log("b", "other\n"),
      log("a", "err\n", "stderr"),
      log("a", "put\n10%\r20%"),
      log("a", "late", "stderr"),
      { type: "step-ended", step: "a", outcome: "failed" },
      log("a", "after the end\n"),
    ] satisfies EngineEvent[]
  ) progress.emit(event);
  progress.end();
  assertEquals(terminal.stderrText().split("\n"), [
    "#1 A",
    "#2 B",
    "#2 0.000 other",
    "#1 0.000 err",
    "#1 0.000 out put",
    "#1 0.000 20%",
    "#1 0.000 late",
    "#1 ERROR",
    "",
  ]);
});

Deno.test("createProgress() rawjson decodes characters that two events share", async () => {
  const terminal = createTestTerminal();
  const progress = await createProgress("rawjson", terminal, () => 0);
  const [first = 0, second = 0] = new TextEncoder().encode("ü");
  for (const byte of [first, second]) {
    progress.emit({ type: "step-log", step: "a", stream: "stdout", data: new Uint8Array([byte]) });
  }
  const lines = terminal.stderrText().trimEnd().split("\n").map((line) => JSON.parse(line).data);
  assertEquals(lines, ["", "ü"]);
});

Deno.test("createProgress() tty shows the last lines of running steps, which go when a step is done", async () => {
  const view = await live();
  view.emit(
    { type: "step-started", step: "a", name: "A" },
    { type: "step-started", step: "b", name: "B" },
    log("a", Array.from({ length: 9 }, (_, i) => `line ${i}\n`).join("")),
    log("b", "5%\r10%"),
  );
  assertEquals(view.screen(), [
    " .. A",
    ...Array.from({ length: 6 }, (_, i) => `      line ${i + 3}`),
    " .. B",
    "      10%",
  ]);
  view.emit({ type: "step-ended", step: "a", outcome: "done" });
  assertEquals(view.screen(), [" => DONE A", " .. B", "      10%"]);
  view.emit({ type: "step-ended", step: "b", outcome: "canceled" });
  view.end(new EngineError("CANCELED", "Canceled"));
  assertEquals(view.screen(), [" => DONE A", " => CANCELED   B"]);
});

Deno.test("createProgress() tty never draws more than the terminal holds, nor wider", async () => {
  const view = await live(20, 8);
  for (let i = 0; i < 12; i++) view.emit({ type: "step-started", step: `${i}`, name: `步骤 ${i} with a long name` });
  for (let i = 0; i < 12; i++) view.emit(log(`${i}`, `漢字漢字漢字漢字漢字漢字 ${i}\n`.repeat(9)));
  assertEquals(view.screen().length <= 7, true);
  assertEquals(view.screen().every((line) => line.length < 20), true);
  view.end();
  const two = await live(40, 8);
  two.emit({ type: "step-started", step: "a", name: "A" }, { type: "step-started", step: "b", name: "B" });
  two.emit(log("a", "x\n".repeat(9)), log("b", "y\n".repeat(9)));
  assertEquals(two.screen(), [" .. A", "      x", "      x", " .. B", "      y", "      y"]);
  two.end();
});

Deno.test("createProgress() tty shows the last 20 lines of a failed step unless the error tells them", async () => {
  const events: EngineEvent[] = [
    { type: "step-started", step: "a", name: "A" },
    log("a", Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join("")),
    { type: "step-ended", step: "a", outcome: "failed" },
  ];
  const view = await live();
  view.emit(...events);
  view.end(new EngineError("OS_FAILED", "m"));
  assertEquals(view.screen(), [
    " => ERROR      A",
    " > A:",
    ...Array.from({ length: 20 }, (_, i) => `line ${i + 10}`),
  ]);
  const told = await live();
  told.emit(...events);
  told.end(new EngineError("STEP_FAILED", "m", { detail: { output: ["line 29"] } }));
  assertEquals(told.screen(), [" => ERROR      A"]);
});
