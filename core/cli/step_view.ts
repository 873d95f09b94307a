import type { EngineEvent } from "../contract/call.ts";
import { type Color, paint } from "./color.ts";
import type { LogText } from "./log_text.ts";
import type { Terminal } from "./terminal.ts";

/** How a step ended. */
export type Outcome = Extract<EngineEvent, { type: "step-ended" }>["outcome"];

/** A step that runs. */
export interface Step {
  readonly number: number;
  /** Name without control characters. */
  readonly name: string;
  /** In milliseconds of the stage's clock. */
  readonly startedAt: number;
  /** How far it is. */
  note: string;
  /** What its command writes, by stream. */
  readonly log: Readonly<Record<"stdout" | "stderr", LogText>>;
}

/** What the views and the follower of steps share. */
export interface Stage {
  readonly terminal: Terminal;
  /** Milliseconds from some moment on. */
  readonly now: () => number;
  /** Steps that run, by id, in the order they started. */
  readonly running: Map<string, Step>;
}

/** How steps look. */
export interface View {
  started(step: Step): void;
  progressed(): void;
  /** Takes lines that a command wrote; none when only the line that has not ended changed. */
  logged(step: Step, lines: readonly string[]): void;
  ended(step: Step, outcome: Outcome, word: string): void;
  /** Ends the view; `isTold` when the last lines of what failed are shown elsewhere. */
  end(isTold: boolean): void;
}

const colors: Readonly<Partial<Record<Outcome, Color>>> = { cached: "cyan", failed: "red", canceled: "yellow" };

/** A word for how a step ended, in the colour of that. */
export function paintOutcome(outcome: Outcome, word: string, hasColor: boolean): string {
  const color = colors[outcome];
  return color === undefined ? word : paint(color, word, hasColor);
}

/** How long a step has run, in seconds. */
export function secondsOf(stage: Stage, step: Step, digits: number): string {
  return ((stage.now() - step.startedAt) / 1000).toFixed(digits);
}

/** One line when a step starts, for each line of output and when it ends, for logs. */
export function plainView(stage: Stage): View {
  const { terminal } = stage;
  return {
    started: (step) => terminal.err(`#${step.number} ${step.name}\n`),
    progressed: () => {},
    logged(step, lines): void {
      if (lines.length === 0) return;
      const before = `#${step.number} ${secondsOf(stage, step, 3)} `;
      terminal.err(lines.map((line) => `${before}${line}`.trimEnd() + "\n").join(""));
    },
    ended: (step, outcome, word) => terminal.err(`#${step.number} ${paintOutcome(outcome, word, terminal.hasColor)}\n`),
    end: () => {},
  };
}
