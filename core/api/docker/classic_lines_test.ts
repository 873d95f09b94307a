import { assertEquals } from "@std/assert";
import type { EngineEvent } from "../../contract/call.ts";
import { ClassicLines } from "./classic_lines.ts";

const digest = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;
const log = (step: string, text: string, stream: "stdout" | "stderr" = "stdout"): EngineEvent => ({
  type: "step-log",
  step,
  stream,
  data: new TextEncoder().encode(text),
});
const started = (step: string): EngineEvent => ({ type: "step-started", step, name: `[${step}]` });
const ended = (step: string, outcome: "done" | "cached" | "failed" = "done"): EngineEvent => ({
  type: "step-ended",
  step,
  outcome,
  digest: digest(step),
});
const instructions: EngineEvent = {
  type: "instructions",
  instructions: [
    { text: "ARG V=1", steps: [] },
    { text: "FROM base:1 AS a", steps: [] },
    { text: "RUN one", steps: ["1"] },
    { text: "FROM a", steps: [] },
    { text: "RUN two", steps: ["2"] },
    { text: "CMD x", steps: [] },
  ],
};

function show(events: readonly EngineEvent[], end: (lines: ClassicLines) => void): string {
  let text = "";
  const lines = new ClassicLines((each) => text += each, (name) => name === "base:1" ? digest("b") : undefined);
  for (const event of events) lines.emit(event);
  end(lines);
  return text;
}

Deno.test("ClassicLines shows instructions in order, with output where it belongs, though steps run side by side", () => {
  const events = [instructions, started("1"), started("2"), log("2", "second\n"), ended("2", "cached")];
  const shown = show([...events, log("1", "first\n"), log("1", "red\n", "stderr"), ended("1")], (lines) => {
    lines.end(digest("f"));
  });
  assertEquals(
    shown,
    [
      "Step 1/6 : ARG V=1",
      "Step 2/6 : FROM base:1 AS a",
      " ---> bbbbbbbbbbbb",
      "Step 3/6 : RUN one",
      "first",
      "\u001b[91mred",
      "\u001b[0m ---> 111111111111",
      "Step 4/6 : FROM a",
      " ---> 111111111111",
      "Step 5/6 : RUN two",
      "second",
      " ---> Using cache",
      " ---> 222222222222",
      "Step 6/6 : CMD x",
      " ---> ffffffffffff",
      "",
    ].join("\n"),
  );
});

Deno.test("ClassicLines shows the step that failed with what it printed, also before its turn", () => {
  const events = [instructions, started("1"), started("2"), log("2", "why\n"), ended("2", "failed")];
  const shown = show(events, (lines) => lines.fail());
  assertEquals(shown.split("\n").slice(-4), ["Step 3/6 : RUN one", "Step 5/6 : RUN two", "why", ""]);
});

Deno.test("ClassicLines keeps so much output of a step whose turn has not come and no more, and says so", () => {
  const chunk = "x".repeat(100_000);
  const events = [instructions, started("1"), started("2"), ...Array.from({ length: 10 }, () => log("2", chunk))];
  const shown = show([...events, ended("2"), ended("1")], (lines) => lines.end(digest("f")));
  assertEquals(/\[700000 characters of output were left out here\]/.test(shown), true);
  assertEquals(shown.length < 400_000, true);
});

Deno.test("ClassicLines tells build arguments that nobody uses at the end, and steps of a file without instructions by name", () => {
  const unused: EngineEvent = {
    type: "warning",
    code: "UnusedBuildArg",
    message: 'Build argument "B" is not used: no ARG declares it',
  };
  const events = [unused, started("1"), log("1", "out\n"), ended("1")];
  const shown = show(events, (lines) => lines.end(digest("f")));
  assertEquals(shown, "[1]\nout\n[Warning] One or more build-args [B] were not consumed\n");
});

Deno.test("ClassicLines keeps characters whole that come in two pieces", () => {
  const bytes = new TextEncoder().encode("é\n");
  const piece = (data: Uint8Array): EngineEvent => ({ type: "step-log", step: "1", stream: "stdout", data });
  const events = [instructions, started("1"), piece(bytes.slice(0, 1)), piece(bytes.slice(1))];
  assertEquals(show(events, () => {}).endsWith("RUN one\né\n"), true);
});
