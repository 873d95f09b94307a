import type { EngineEvent } from "../contract/call.ts";
import { printable } from "./color.ts";
import { shortId } from "./human.ts";
import { createProgress, type Progress, type ProgressKind } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** Words for how it stands with one layer, as docker has them. */
export interface TransferWords {
  /** Bytes are on their way. */
  readonly moving: string;
  /** All of them are there. */
  readonly done: string;
  /** They were there before. */
  readonly cached: string;
}

/**
 * Shows how images are moved: docker's lines on standard output for the log of a script, live lines on standard error for a terminal.
 * Steps whose name starts with `layer ` are layers; the first line of the rest that stand alone is shown as it is.
 */
export async function createTransferView(
  kind: ProgressKind,
  terminal: Terminal,
  words: TransferWords,
): Promise<Progress> {
  const isLive = kind === "tty" || (kind === "auto" && terminal.isStderrTerminal);
  if (isLive || kind === "rawjson" || kind === "quiet") {
    const progress = await createProgress(isLive ? "tty" : kind, terminal, () => performance.now());
    return { emit: (event) => progress.emit(named(event)), end: (error) => progress.end(error) };
  }
  const layers = new Map<string, string>();
  const moving = new Set<string>();
  // What a step says of itself, which tells more than that it is done.
  const notes = new Map<string, string>();
  return {
    emit(event): void {
      if (event.type === "warning") terminal.err(`warning: ${printable(event.message)}\n`);
      else if (event.type === "step-started") started(event, layers, terminal);
      else if (event.type !== "instructions") {
        const id = layers.get(event.step);
        if (id === undefined) return;
        if (event.type === "step-log") notes.set(id, new TextDecoder().decode(event.data).trim());
        else if (event.type === "step-progress" && !moving.has(id)) {
          moving.add(id);
          terminal.out(`${id}: ${words.moving}\n`);
        } else if (event.type === "step-ended" && (event.outcome === "done" || event.outcome === "cached")) {
          terminal.out(`${id}: ${printable(notes.get(id) ?? words[event.outcome])}\n`);
        }
      }
    },
    end: () => {},
  };
}

function started(
  event: Extract<EngineEvent, { type: "step-started" }>,
  layers: Map<string, string>,
  terminal: Terminal,
): void {
  const digest = /^layer (\S+)$/.exec(event.name)?.[1];
  if (digest !== undefined) layers.set(event.step, shortId(digest));
  else if (event.step.startsWith("pull ") || event.step.startsWith("push ")) {
    terminal.out(`${printable(event.name)}\n`);
  }
}

/** The event with digests in names cut short, for people. */
function named(event: EngineEvent): EngineEvent {
  if (event.type !== "step-started") return event;
  return { ...event, name: event.name.replace(/ (?:sha256|sha512):([0-9a-f]{12})[0-9a-f]+$/, " $1") };
}
