import { EngineError } from "../errors.ts";
import type { Flag, Input } from "./command.ts";
import { type ProgressKind, progressKinds } from "./progress.ts";

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
  const text = input.text("progress") ?? configured;
  const kind = progressKinds.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new EngineError("INVALID_ARGUMENT", `Cannot use --progress "${text}": expected ${progressKinds.join(", ")}`, {
    detail: { field: "progress", value: text },
  });
}
