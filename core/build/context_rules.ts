import { compileIgnore, type PathMatcher } from "../path/match.ts";

/**
 * What a walk does with a path: takes it, only looks below it for what is re-included, or leaves it out with all below
 * it.
 */
export type Verdict = "take" | "look-below" | "leave-out";

/** Decides about the paths of one walk. */
export interface ContextRules {
  /** Whether every path is taken, so that a walk need not ask. */
  readonly takesAll: boolean;
  /** The verdict on a path relative to the tree's root. */
  judge(path: string): Verdict;
}

/** Rules that leave out what a matcher excludes, paths counting from the tree's root. */
export function createRules(matcher: PathMatcher, isEmpty: boolean): ContextRules {
  return {
    takesAll: isEmpty,
    judge(path: string): Verdict {
      if (!matcher.isExcluded(path)) return "take";
      return matcher.canSkipBelow(path) ? "leave-out" : "look-below";
    },
  };
}

/** Rules of a tree narrowed by ignore patterns that count from `start`; the start itself is never left out by them. */
export function narrowRules(rules: ContextRules, start: string, exclude: readonly string[]): ContextRules {
  if (exclude.length === 0) return rules;
  const narrower = createRules(compileIgnore(exclude), false);
  const skipped = start === "." ? 0 : start.length + 1;
  return {
    takesAll: false,
    judge(path: string): Verdict {
      const verdict = rules.judge(path);
      if (verdict === "leave-out" || path === start) return verdict;
      const narrowed = narrower.judge(path.slice(skipped));
      return narrowed === "take" ? verdict : narrowed;
    },
  };
}

/** Joins a directory of a tree and a name in it. */
export function joinPath(directory: string, name: string): string {
  return directory === "." ? name : `${directory}/${name}`;
}

/** Directory that a path is in; the root is in itself. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash);
}

/** Last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
