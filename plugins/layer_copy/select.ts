import type { LayerEntry, Tree } from "../../core/contract/mod.ts";
import type { CopyArgs, Extract, PathSource, TextSource } from "./args.ts";
import type { CopyEnvironment } from "./node.ts";
import { sourceNotFound } from "./not_found.ts";
import { cleanPath, joinPath, nameOf, parentOf, treePath } from "./paths.ts";

/** One thing to copy after wildcards are expanded and links followed. */
export interface FoundSource {
  /** Tells the kinds of selected source apart. */
  readonly type: "found";
  /** Where it is. */
  readonly tree: Tree;
  /** Clean path of it, every link followed. */
  readonly path: string;
  /** Name it gets in a folder: that of the source as written, before links are followed. */
  readonly name: string;
  /** What it is; never a link. */
  readonly entry: LayerEntry;
  /** What happens when it is an archive. */
  readonly extract: Extract;
  /** Path for messages. */
  readonly shown: string;
}

/** A source of `--parents`: paths below a folder that match, each copied with the folders that lead to it. */
export interface ParentsSource {
  /** Tells the kinds of selected source apart. */
  readonly type: "parents";
  /** Where it is. */
  readonly tree: Tree;
  /** Clean path of the folder that the copied paths are relative to, links followed. */
  readonly pivot: string;
  /** Pattern relative to the pivot, cleaned; empty for all of it. */
  readonly pattern: string;
  /** Whether the pattern holds no wildcards, so that it has to match. */
  readonly isLiteral: boolean;
  /** Path for messages. */
  readonly shown: string;
}

/** A file written in the build file. */
export interface InlineSource extends TextSource {
  /** Tells the kinds of selected source apart. */
  readonly type: "inline";
}

/** A source of a copy. */
export type SelectedSource = FoundSource | ParentsSource | InlineSource;

/**
 * The sources of a copy, in order, wildcards expanded. A wildcard that matches nothing gives nothing. Throws
 * `NOT_FOUND` when a path without wildcards is absent, `INVALID_ARGUMENT` for a malformed pattern, an input the node
 * does not have, or several sources where the destination must be a folder and does not end in a slash.
 */
export async function selectSources(args: CopyArgs, environment: CopyEnvironment): Promise<SelectedSource[]> {
  const selected: SelectedSource[] = [];
  for (const source of args.sources) {
    if ("text" in source) {
      selected.push({ type: "inline", name: source.name, text: source.text });
      continue;
    }
    const selection = new Selection(source, args, environment);
    const found = args.parents ? await selection.withParents() : await selection.plain();
    for (const each of found) selected.push(each);
  }
  if (args.strict && selected.length > 1 && !args.dest.endsWith("/")) {
    const message =
      `Cannot copy ${selected.length} sources to "${args.dest}": expected a destination that ends in a slash`;
    throw environment.kit.error("INVALID_ARGUMENT", message, {
      detail: { field: "dest", value: args.dest },
      hint: `Write "${args.dest}/" as the destination`,
    });
  }
  return selected;
}

/** Whether a part of a pattern is more than the text it shows. */
export function hasWildcard(part: string): boolean {
  return /[*?[]/.test(part.replace(/\\./gs, ""));
}

class Selection {
  readonly #source: PathSource;
  readonly #args: CopyArgs;
  readonly #environment: CopyEnvironment;
  readonly #tree: Tree;

  constructor(source: PathSource, args: CopyArgs, environment: CopyEnvironment) {
    const { kit, context } = environment;
    const tree = context.inputs[source.input];
    if (tree === undefined) {
      throw kit.error(
        "INVALID_ARGUMENT",
        `Cannot copy from input ${source.input}: the step has ${context.inputs.length}`,
        {
          detail: { field: "input", value: source.input },
        },
      );
    }
    this.#source = source;
    this.#args = args;
    this.#environment = environment;
    this.#tree = tree;
  }

  async plain(): Promise<FoundSource[]> {
    const path = cleanPath(this.#source.path);
    if (!this.#source.pattern) return [await this.#follow(path)];
    const { kit } = this.#environment;
    const excluded = kit.compileIgnore(this.#args.exclude);
    const { prefix, matches } = await this.#expand(path);
    const found: FoundSource[] = [];
    for (const match of matches) {
      const each = await this.#follow(match);
      // Patterns are relative to a copied folder; a file that only a wildcard names is left out by its own name
      // (reference, COPY --exclude).
      const own = prefix === "" ? match : match.slice(prefix.length + 1);
      if (each.entry.type === "directory" || !excluded.isExcluded(own)) found.push(each);
    }
    return found;
  }

  async withParents(): Promise<ParentsSource[]> {
    const written = this.#source.path;
    const cut = written.indexOf("/./");
    const above = cleanPath(cut < 0 ? "" : written.slice(0, cut));
    const pattern = cleanPath(cut < 0 ? written : written.slice(cut + 3));
    const isLiteral = !hasWildcard(above) && !hasWildcard(pattern);
    const pivots = hasWildcard(above) ? (await this.#expand(above)).matches : [above];
    const found: ParentsSource[] = [];
    for (const pivot of pivots) {
      const { path, entry } = await this.#follow(pivot);
      if (entry.type === "directory") {
        found.push({ type: "parents", tree: this.#tree, pivot: path, pattern, isLiteral, shown: written });
      } else if (isLiteral) throw await sourceNotFound(this.#tree, joinPath(pivot, pattern), this.#environment);
    }
    return found;
  }

  async #follow(path: string): Promise<FoundSource> {
    const { context } = this.#environment;
    const entry = await this.#tree.stat(treePath(path), context);
    if (entry === undefined) throw await sourceNotFound(this.#tree, path, this.#environment);
    const resolved = "path" in entry ? cleanPath(entry.path) : path;
    const extract = this.#source.extract ?? this.#args.extract;
    return { type: "found", tree: this.#tree, path: resolved, name: nameOf(path), entry, extract, shown: `/${path}` };
  }

  /** Paths that match a pattern, in order; links lead on only in front of the first wildcard. */
  async #expand(pattern: string): Promise<{ readonly prefix: string; readonly matches: string[] }> {
    const { kit, context } = this.#environment;
    const parts = pattern.split("/");
    const first = parts.findIndex(hasWildcard);
    if (first < 0) return { prefix: parentOf(pattern), matches: [pattern] };
    const prefix = parts.slice(0, first).join("/");
    const folder = await this.#follow(prefix);
    if (folder.entry.type !== "directory") return { prefix, matches: [] };
    let level: readonly string[] = [prefix];
    for (const part of parts.slice(first)) {
      const next: string[] = [];
      for (const path of level) {
        if (path !== prefix && (await this.#tree.lstat(path, context))?.type !== "directory") continue;
        const names = await this.#tree.list(treePath(path === prefix ? folder.path : path), context);
        for (const name of names) if (kit.matchPath(part, name)) next.push(joinPath(path, name));
      }
      level = next;
    }
    return { prefix, matches: [...level] };
  }
}
