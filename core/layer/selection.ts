import { compileIgnore } from "../path/match.ts";
import { type Node, sortedNames } from "./file_tree.ts";

/** A path below the top of a walk, empty for the top itself. */
export interface SelectedPath {
  /** Relative path; empty for the top. */
  readonly path: string;
  /** What is there. */
  readonly node: Node;
}

/**
 * The top and what is below it in walk order, without what the ignore patterns leave out. An excluded directory comes all
 * the same, before the first thing in it that is re-included. The top itself is never left out. Throws `INVALID_ARGUMENT`
 * for a malformed pattern.
 */
export function selectPaths(top: Node, exclude: readonly string[]): SelectedPath[] {
  const matcher = exclude.length === 0 ? undefined : compileIgnore(exclude);
  const selected: SelectedPath[] = [{ path: "", node: top }];
  const pending: SelectedPath[] = [];

  function visit(directory: Node, prefix: string): void {
    for (const name of sortedNames(directory)) {
      const node = directory.children?.get(name);
      if (node === undefined) continue;
      const path = prefix + name;
      const isExcluded = matcher?.isExcluded(path) ?? false;
      if (isExcluded && (node.children === undefined || matcher?.canSkipBelow(path))) continue;
      const depth = pending.length;
      if (isExcluded) pending.push({ path, node });
      else {
        selected.push(...pending, { path, node });
        pending.length = 0;
      }
      if (node.children !== undefined) visit(node, `${path}/`);
      pending.length = Math.min(pending.length, depth);
    }
  }

  if (top.children !== undefined) visit(top, "");
  return selected;
}
