import { EngineError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks before something is removed. True for `y` or `yes`. Where nobody can be asked it rejects `INVALID_ARGUMENT`, so that a
 * script never removes anything by accident.
 */
export async function confirm(warning: string, terminal: Terminal): Promise<boolean> {
  if (!terminal.isStdinTerminal) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot ask for confirmation: standard input is no terminal", {
      detail: { field: "force", value: false },
      hint: "Add --force to go on without a question",
    });
  }
  const answer = await terminal.ask(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}
