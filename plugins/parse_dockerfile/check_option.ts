import type { Dockerfile } from "./ast.ts";
import { trimSpace } from "./blank.ts";
import { quote } from "./fault.ts";

/** What a `check=` directive or comment asks for. */
export type CheckOptions = Dockerfile["check"];

/** A check option that cannot be read. */
export interface CheckProblem {
  readonly state: string;
  /** The part of the text that is meant. */
  readonly part: string;
}

const truth: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true])),
  ...Object.fromEntries(["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false])),
};

/** Reads `true`, `false` and their short forms; undefined when it is neither. */
export function readBoolean(text: string): boolean | undefined {
  return Object.hasOwn(truth, text) ? truth[text] : undefined;
}

/** Reads `skip=Rule,Rule;error=true;experimental=Rule`, each part at most once in effect: a later one adds to or replaces. */
export function readCheckOptions(text: string): CheckOptions | CheckProblem {
  const skip: string[] = [];
  const experimental: string[] = [];
  let error = false;
  for (const part of text.split(";")) {
    const cut = part.indexOf("=");
    const key = trimSpace(cut === -1 ? part : part.slice(0, cut));
    const value = trimSpace(cut === -1 ? "" : part.slice(cut + 1));
    if (cut === -1) return { state: `option ${quote(part)} has no value`, part };
    if (key === "skip" || key === "experimental") {
      const list = key === "skip" ? skip : experimental;
      list.splice(0, list.length, ...value.split(",").map(trimSpace).filter((rule) => rule !== ""));
    } else if (key === "error") {
      const fails = readBoolean(value);
      if (fails === undefined) return { state: `value ${quote(value)} of error, expected true or false`, part };
      error = fails;
    } else return { state: `unknown option ${quote(key)}, expected skip, error or experimental`, part };
  }
  return { skip, error, experimental };
}
