import type { EngineEvent } from "../contract/call.ts";
import { isEngineError } from "../errors.ts";
import { createEventJson } from "../image/event_json.ts";
import { paint, printable } from "./color.ts";
import { humanSize } from "./human.ts";
import { LogText } from "./log_text.ts";
import type { ProgressKind } from "./progress_kind.ts";
import { plainView, secondsOf, type Stage, type Step, type View } from "./step_view.ts";
import type { Terminal } from "./terminal.ts";

export type { ProgressKind };

/** Shows events on standard error. */
export interface Progress {
  /** Takes events in order. */
  emit(event: EngineEvent): void;
  /** Shows what is left, warnings last. `error` is what ended it, which the caller shows afterwards. */
  end(error?: unknown): void;
}

type Warning = Extract<EngineEvent, { type: "warning" }>;

/** Shows progress in a form; `auto` is `tty` on a terminal, else `plain`. `now` gives milliseconds. */
export async function createProgress(kind: ProgressKind, terminal: Terminal, now: () => number): Promise<Progress> {
  const chosen = kind === "auto" ? terminal.isStderrTerminal ? "tty" : "plain" : kind;
  if (chosen === "quiet") return { emit: () => {}, end: () => {} };
  if (chosen === "rawjson") return rawJson(terminal);
  const stage: Stage = { terminal, now, running: new Map() };
  if (chosen === "plain") return followSteps(stage, plainView(stage));
  const { liveView } = await import("./live_view.ts");
  return followSteps(stage, liveView(stage));
}

/** Every event as a line of JSON, bytes of a log as text. */
function rawJson(terminal: Terminal): Progress {
  const json = createEventJson();
  return { emit: (event) => terminal.err(JSON.stringify(json(event)) + "\n"), end: () => {} };
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
        const step = startStep(stage, ++count, event.name);
        stage.running.set(event.step, step);
        view.started(step);
        return;
      }
      if (event.type === "instructions") return;
      const step = stage.running.get(event.step);
      if (step === undefined) return;
      if (event.type === "step-progress") {
        step.note = progressNote(event);
        view.progressed();
      } else if (event.type === "step-log") view.logged(step, step.log[event.stream].push(event.data));
      else {
        view.logged(step, [...step.log.stdout.end(), ...step.log.stderr.end()]);
        stage.running.delete(event.step);
        const { outcome } = event;
        view.ended(step, outcome, outcome === "done" ? `DONE ${secondsOf(stage, step, 1)}s` : outcomeWords[outcome]);
      }
    },
    end(error): void {
      stage.running.clear();
      view.end(tellsOutput(error));
      showWarnings(warnings, stage.terminal);
    },
  };
}

function startStep(stage: Stage, number: number, name: string): Step {
  const log = { stdout: new LogText(), stderr: new LogText() };
  return { number, name: printable(name), startedAt: stage.now(), note: "", log };
}

/** Whether the text of an error shows the last lines of the step that failed. */
function tellsOutput(error: unknown): boolean {
  if (!isEngineError(error)) return false;
  const output = error.detail["output"];
  return Array.isArray(output) && output.length > 0;
}

function progressNote(event: Extract<EngineEvent, { type: "step-progress" }>): string {
  const show = (count: number): string => event.unit === "bytes" ? humanSize(count) : `${count} entries`;
  return event.total === undefined ? show(event.current) : `${show(event.current)} / ${show(event.total)}`;
}

const outcomeWords = { cached: "CACHED", failed: "ERROR", canceled: "CANCELED" } as const;

function showWarnings(warnings: readonly Warning[], terminal: Terminal): void {
  if (warnings.length === 0) return;
  const many = warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`;
  terminal.err(`\n${paint("yellow", `${many} found:`, terminal.hasColor)}\n`);
  for (const { code, message, at } of warnings) {
    const place = at === undefined ? "" : ` (line ${at.line})`;
    terminal.err(` - ${code}: ${printable(message)}${place}\n`);
  }
}
