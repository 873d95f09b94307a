import { EngineError } from "../errors.ts";

/** Forms of progress that `--progress` takes. */
export const progressKinds = ["auto", "tty", "plain", "rawjson", "quiet"] as const;

/** How progress is shown. */
export type ProgressKind = typeof progressKinds[number];

/** The form of progress that a text names. Throws `INVALID_ARGUMENT`. */
export function parseProgressKind(text: string): ProgressKind {
  const kind = progressKinds.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new EngineError("INVALID_ARGUMENT", `Cannot use --progress "${text}": expected ${progressKinds.join(", ")}`, {
    detail: { field: "progress", value: text },
  });
}
