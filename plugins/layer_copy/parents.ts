import type { LayerEntry } from "../../core/contract/mod.ts";
import type { CopyEnvironment } from "./node.ts";
import { sourceNotFound } from "./not_found.ts";
import { cleanPath, joinPath, parentOf, treePath } from "./paths.ts";
import { hasWildcard, type ParentsSource } from "./select.ts";

/** An entry that `--parents` copies. */
export interface ParentsMatch {
  /** Clean path relative to the pivot, which is where it goes below the destination. */
  readonly relative: string;
  /** What is there. */
  readonly entry: LayerEntry;
  /**
   * Whether the pattern names this very entry, or all of it is wanted: what is below it follows. False for what is
   * below.
   */
  readonly isTop: boolean;
}

/**
 * Entries below the pivot that the pattern matches, each followed by all that is below it, but for what `exclude`
 * leaves out; in the order of a walk. Links are neither followed nor led through. Patterns match as in `.dockerignore`,
 * so `**` spans folders. Throws `NOT_FOUND` when a pattern without wildcards matches nothing.
 */
export async function* matchParents(
  source: ParentsSource,
  exclude: readonly string[],
  environment: CopyEnvironment,
): AsyncGenerator<ParentsMatch> {
  const { kit, context } = environment;
  const { tree, pivot, pattern } = source;
  const included = pattern === "" ? undefined : kit.compileIgnore([pattern]);
  const excluded = kit.compileIgnore(exclude);
  const start = await literalStart(source, environment);
  if (start === undefined) {
    if (source.isLiteral) throw await sourceNotFound(tree, joinPath(pivot, pattern), environment);
    return;
  }
  const cut = pivot === "" ? 0 : pivot.length + 1;
  for await (const entry of tree.walk(treePath(joinPath(pivot, start)), {}, context)) {
    const relative = cleanPath(entry.path).slice(cut);
    if (relative === "" || (included !== undefined && !included.isExcluded(relative))) continue;
    if (excluded.isExcluded(relative)) continue;
    const above = parentOf(relative);
    const isTop = included === undefined ? above === "" : above === "" || !included.isExcluded(above);
    yield { relative, entry, isTop };
  }
}

/** The longest part of the pattern without wildcards, if it is there: all that matches is at or below it. */
async function literalStart(source: ParentsSource, { context }: CopyEnvironment): Promise<string | undefined> {
  const parts = source.pattern === "" ? [] : source.pattern.split("/");
  const first = parts.findIndex(hasWildcard);
  const literal = first < 0 ? parts : parts.slice(0, first);
  let path = "";
  for (const [i, part] of literal.entries()) {
    path = joinPath(path, part.replace(/\\(.)/gs, "$1"));
    const found = await source.tree.lstat(joinPath(source.pivot, path), context);
    const mustLead = i < literal.length - 1 || first >= 0;
    if (found === undefined || (mustLead && found.type !== "directory")) return undefined;
  }
  return path;
}
