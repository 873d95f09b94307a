import type { Flag, Input } from "./command.ts";
import { parseProgressKind, type ProgressKind, progressKinds } from "./progress_kind.ts";

/** `--progress`. */
export const progressFlag: Flag = {
  name: "progress",
  type: "string",
  value: "KIND",
  help: "auto, tty, plain, rawjson or quiet",
  choices: progressKinds,
};

/** How progress is shown: by `--progress`, else as the config says. Throws `INVALID_ARGUMENT`. */
export function readProgress(input: Input, configured: ProgressKind): ProgressKind {
  return parseProgressKind(input.text("progress") ?? configured);
}
