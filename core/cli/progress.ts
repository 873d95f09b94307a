import type { EngineEvent } from "../contract/call.ts";
import { paint, printable } from "./color.ts";
import { humanSize } from "./human.ts";
import type { Terminal } from "./terminal.ts";

/** Forms of progress that `--progress` takes. */
export const progressKinds = ["auto", "tty", "plain", "rawjson", "quiet"] as const;

/** How progress is shown. */
export type ProgressKind = typeof progressKinds[number];

/** Shows events on standard error. */
export interface Progress {
  /** Takes events in order. */
  emit(event: EngineEvent): void;
  /** Shows what is left, warnings last. */
  end(): void;
}

type Warning = Extract<EngineEvent, { type: "warning" }>;

/** Shows progress in a form; `auto` is `tty` on a terminal, else `plain`. `now` gives milliseconds. */
export function createProgress(kind: ProgressKind, terminal: Terminal, now: () => number): Progress {
  const chosen = kind === "auto" ? terminal.isStderrTerminal ? "tty" : "plain" : kind;
  if (chosen === "quiet") return { emit: () => {}, end: () => {} };
  if (chosen === "rawjson") {
    return { emit: (event) => terminal.err(JSON.stringify(event, jsonBytes) + "\n"), end: () => {} };
  }
  const stage: Stage = { terminal, now, running: new Map() };
  return followSteps(stage, chosen === "tty" ? liveView(stage) : plainView(stage));
}

/** Log bytes as text, which is what a reader of JSON lines wants. */
function jsonBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
}

interface Step {
  readonly number: number;
  readonly name: string;
  readonly startedAt: number;
  note: string;
}

/** What the views and the follower of steps share. */
interface Stage {
  readonly terminal: Terminal;
  readonly now: () => number;
  /** Steps that run, by id, in the order they started. */
  readonly running: Map<string, Step>;
}

/** How steps look. */
interface View {
  started(step: Step): void;
  progressed(): void;
  ended(step: Step, word: string): void;
  /** Writes a line that stays. */
  line(text: string): void;
  end(): void;
}

/** Keeps steps by id with their numbers, and warnings for the end. */
function followSteps(stage: Stage, view: View): Progress {
  const warnings: Warning[] = [];
  let count = 0;
  return {
    emit(event: EngineEvent): void {
      if (event.type === "warning") {
        warnings.push(event);
        return;
      }
      if (event.type === "step-started") {
        const step = { number: ++count, name: printable(event.name), startedAt: stage.now(), note: "" };
        stage.running.set(event.step, step);
        view.started(step);
        return;
      }
      const step = stage.running.get(event.step);
      if (step === undefined) return;
      if (event.type === "step-progress") {
        step.note = progressNote(event);
        view.progressed();
      } else if (event.type === "step-log") {
        for (const line of logLines(event.data)) view.line(`#${step.number} ${secondsOf(stage, step, 3)} ${line}`);
      } else {
        stage.running.delete(event.step);
        view.ended(step, outcomeWord(event.outcome, secondsOf(stage, step, 1), stage.terminal.hasColor));
      }
    },
    end(): void {
      stage.running.clear();
      view.end();
      showWarnings(warnings, stage.terminal);
    },
  };
}

function secondsOf(stage: Stage, step: Step, digits: number): string {
  return ((stage.now() - step.startedAt) / 1000).toFixed(digits);
}

function progressNote(event: Extract<EngineEvent, { type: "step-progress" }>): string {
  const show = (count: number): string => event.unit === "bytes" ? humanSize(count) : `${count} entries`;
  return event.total === undefined ? show(event.current) : `${show(event.current)} / ${show(event.total)}`;
}

function logLines(data: Uint8Array): string[] {
  return printable(new TextDecoder().decode(data)).replace(/\n$/, "").split("\n");
}

function outcomeWord(outcome: "done" | "cached" | "failed" | "canceled", seconds: string, hasColor: boolean): string {
  switch (outcome) {
    case "done":
      return `DONE ${seconds}s`;
    case "cached":
      return paint("cyan", "CACHED", hasColor);
    case "failed":
      return paint("red", "ERROR", hasColor);
    case "canceled":
      return paint("yellow", "CANCELED", hasColor);
  }
}

function showWarnings(warnings: readonly Warning[], terminal: Terminal): void {
  if (warnings.length === 0) return;
  const many = warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`;
  terminal.err(`\n${paint("yellow", `${many} found:`, terminal.hasColor)}\n`);
  for (const { code, message, at } of warnings) {
    const place = at === undefined ? "" : ` (line ${at.line})`;
    terminal.err(` - ${code}: ${printable(message)}${place}\n`);
  }
}

/** One line when a step starts and one when it ends, for logs. */
function plainView({ terminal }: Stage): View {
  const line = (text: string): void => terminal.err(text + "\n");
  return {
    started: (step) => line(`#${step.number} ${step.name}`),
    progressed: () => {},
    ended: (step, word) => line(`#${step.number} ${word}`),
    line,
    end: () => {},
  };
}

/** One line for a step that ended, and below them the ones that run, redrawn as they go on. */
function liveView(stage: Stage): View {
  const { terminal } = stage;
  let drawn = 0;
  let drawnAt = 0;
  const draw = (above: string): void => {
    const up = drawn > 0 ? `\x1b[${drawn}A\x1b[J` : "";
    const lines = [...stage.running.values()].map((step) => {
      const text = ` .. ${`${secondsOf(stage, step, 1)}s`.padEnd(10)} ${step.name} ${step.note}`;
      return text.replaceAll("\n", " ").slice(0, terminal.columns - 1) + "\n";
    });
    terminal.err(up + above + lines.join(""));
    drawn = lines.length;
    drawnAt = stage.now();
  };
  return {
    started: () => draw(""),
    progressed: () => {
      if (stage.now() - drawnAt >= 100) draw("");
    },
    ended: (step, word) => draw(` => ${word.padEnd(10)} ${step.name}\n`),
    line: (text) => draw(text + "\n"),
    end: () => draw(""),
  };
}
