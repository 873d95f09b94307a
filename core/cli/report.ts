import type { EngineError } from "../errors.ts";
import type { RemoveAction } from "../image/remove.ts";
import { formatError } from "./error_text.ts";
import { exitCodeOf } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";

/** Shows errors of single items while the others went on; gives the exit code, 0 for none. */
export function reportErrors(errors: readonly EngineError[], terminal: Terminal): number {
  for (const error of errors) terminal.err(formatError(error, terminal.hasColor));
  const first = errors[0];
  return first === undefined ? 0 : exitCodeOf(first);
}

/** Lines of what was removed, as docker writes them; `untagged` and `deleted` are its words for the two. */
export function actionLines(actions: readonly RemoveAction[], words: { untagged: string; deleted: string }): string {
  const line = (action: RemoveAction): string =>
    action.type === "untagged" ? `${words.untagged}: ${action.name}` : `${words.deleted}: ${action.digest}`;
  return actions.map((action) => line(action) + "\n").join("");
}
