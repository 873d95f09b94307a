import { clip } from "./clip.ts";
import { paint } from "./color.ts";
import { paintOutcome, secondsOf, type Stage, type Step, type View } from "./step_view.ts";

/** Most lines of output below a running step. */
const windowLines = 6;
/** Last lines of a failed step that are shown. */
const tailLines = 20;
/** Least time between two drawings, and the time after which the seconds are drawn anew. */
const drawMs = 100;

/**
 * One line for a step that ended, and below them the ones that run with the last lines of their output, redrawn as they go on. A step
 * that fails shows its last lines in the end.
 */
export function liveView(stage: Stage): View {
  const { terminal } = stage;
  const tails = new Map<Step, string[]>();
  const failed: Step[] = [];
  let drawn = 0;
  let drawnAt = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const draw = (above: string): void => {
    const up = drawn > 0 ? `\x1b[${drawn}A\x1b[J` : "";
    const lines = runningLines(stage, tails);
    terminal.err(up + above + lines.map((line) => line + "\n").join(""));
    drawn = lines.length;
    drawnAt = stage.now();
  };
  const drawLater = (): void => {
    if (stage.now() - drawnAt >= drawMs) draw("");
  };
  return {
    started(step): void {
      tails.set(step, []);
      if (timer === undefined) Deno.unrefTimer(timer = setInterval(drawLater, drawMs));
      draw("");
    },
    progressed: drawLater,
    logged(step, lines): void {
      const tail = tails.get(step);
      tail?.push(...lines.slice(-tailLines));
      tail?.splice(0, tail.length - tailLines);
      drawLater();
    },
    ended(step, outcome, word): void {
      if (outcome === "failed") failed.push(step);
      else tails.delete(step);
      draw(` => ${paintOutcome(outcome, word.padEnd(10), terminal.hasColor)} ${step.name.replaceAll("\n", " ")}\n`);
    },
    end(isTold): void {
      clearInterval(timer);
      draw(isTold ? "" : failed.map((step) => tailText(step, tails.get(step) ?? [])).join(""));
    },
  };
}

function tailText(step: Step, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [` > ${step.name}:`, ...lines].map((line) => line + "\n").join("");
}

/** Lines of the steps that run, no more and no longer than the terminal holds: what scrolled away could not be drawn over. */
function runningLines(stage: Stage, tails: ReadonlyMap<Step, readonly string[]>): string[] {
  const { columns, rows, hasColor } = stage.terminal;
  const steps = [...stage.running.values()].slice(-Math.max(1, rows - 2));
  const writing = steps.filter((step) => lastLines(step, tails.get(step), 1).length > 0);
  const room = Math.floor(Math.max(0, rows - 2 - steps.length) / Math.max(1, writing.length));
  return steps.flatMap((step) => {
    const text = ` .. ${`${secondsOf(stage, step, 1)}s`.padEnd(10)} ${step.name.replaceAll("\n", " ")} ${step.note}`;
    const log = lastLines(step, tails.get(step), Math.min(windowLines, room));
    return [
      clip(text, columns - 1).trimEnd(),
      ...log.map((line) => paint("dim", clip(`      ${line}`, columns - 1), hasColor)),
    ];
  });
}

/** The last lines of a step, those included that have not ended. */
function lastLines(step: Step, tail: readonly string[] = [], count: number): readonly string[] {
  const open = [step.log.stdout.rest, step.log.stderr.rest].filter((line) => line !== "");
  return count === 0 ? [] : [...tail, ...open].slice(-count);
}
