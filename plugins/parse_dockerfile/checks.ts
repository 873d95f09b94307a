import type { BuildCheck, SourceRange } from "../../core/contract/mod.ts";
import { type CheckOptions, readCheckOptions } from "./check_option.ts";
import { type RuleName, rules } from "./rules.ts";

/** Collects doubtful places. */
export interface Checks {
  /** Reports a place, unless its rule is skipped. A place is reported once. */
  report(rule: RuleName, at: SourceRange, message: string): void;
  /** The same collection with the `check=` comment above an instruction taken into account. */
  scopedTo(comments: readonly string[]): Checks;
  /** What was reported so far, in file order. */
  found(): readonly BuildCheck[];
}

/** Starts an empty collection. */
export function createChecks(options: CheckOptions): Checks {
  return collect(options, new Map());
}

function collect(options: CheckOptions, found: Map<string, BuildCheck>): Checks {
  return {
    report(rule: RuleName, at: SourceRange, message: string): void {
      if (!isReported(rule, options)) return;
      const { description, ...more } = rules[rule];
      const url = "url" in more ? { url: more.url } : {};
      const severity = options.error ? "error" : "warning";
      const key = [rule, at.line, at.endLine, message].join("\0");
      if (!found.has(key)) found.set(key, { rule, description, ...url, severity, message, at });
    },
    scopedTo(comments: readonly string[]): Checks {
      const extra = commentOptions(comments);
      return extra === undefined ? this : collect(merge(options, extra), found);
    },
    found(): readonly BuildCheck[] {
      return [...found.values()].sort((a, b) => a.at.line - b.at.line);
    },
  };
}

function isReported(rule: RuleName, options: CheckOptions): boolean {
  const list = rules[rule].isExperimental ? options.experimental : options.skip;
  return (list.includes("all") || list.includes(rule)) === rules[rule].isExperimental;
}

function merge(base: CheckOptions, extra: CheckOptions): CheckOptions {
  return {
    skip: [...base.skip, ...extra.skip],
    error: base.error,
    experimental: [...base.experimental, ...extra.experimental],
  };
}

/** Options of the first `check=` comment; a malformed one counts for nothing. */
function commentOptions(comments: readonly string[]): CheckOptions | undefined {
  for (const comment of comments) {
    const [, value] = /^\s*check\s*=\s*(\S+)/i.exec(comment) ?? [];
    if (value === undefined) continue;
    const options = readCheckOptions(value);
    return "state" in options ? undefined : options;
  }
  return undefined;
}
