import type { EntryMeta } from "../contract/layer.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { SparseSegment } from "../tar/sparse.ts";
import { comparePaths } from "./path_order.ts";

/** What a layer says about one path. */
export type IndexEntry =
  | EntryMeta & {
    readonly type: "file";
    /** Bytes of content. */
    readonly size: number;
    /** Where the content begins in the uncompressed tar, in bytes. */
    readonly offset: number;
    /** sha256 of the content. */
    readonly digest: Digest;
    /** Which parts of the content are stored, one after the other from `offset` on; the rest is zeros. All of it when left out. */
    readonly sparse?: readonly SparseSegment[];
  }
  | EntryMeta & { readonly type: "directory" | "fifo" }
  | EntryMeta & { readonly type: "symlink"; readonly target: string }
  | EntryMeta & {
    readonly type: "hardlink";
    /** Path of an entry of this layer, or of one in the layers below; never of another hard link of this layer. */
    readonly target: string;
  }
  | EntryMeta & { readonly type: "char" | "block"; readonly major: number; readonly minor: number }
  | { readonly type: "whiteout"; readonly path: string }
  | { readonly type: "opaque"; readonly path: string };

/**
 * Table of contents of one layer: what its uncompressed tar holds, each path once but for a whiteout or opaque beside an
 * entry of the same path.
 */
export interface LayerIndex {
  /** In walk order: part by part, bytewise, parents before children; at one path opaque, whiteout, entry. */
  readonly entries: readonly IndexEntry[];
}

/** Bytes of the regular files of a layer, each counted once however many names it has; what docker calls the size of a layer. */
export function fileBytes(index: LayerIndex): number {
  return index.entries.reduce((bytes, entry) => bytes + (entry.type === "file" ? entry.size : 0), 0);
}

const rank: Readonly<Record<string, number>> = { opaque: 0, whiteout: 1 };

/** Gathers the entries of a layer in the order of its tar; of several for one path the last is kept, as extracting would. */
export class LayerIndexBuilder {
  readonly #entries = new Map<string, IndexEntry>();
  readonly #marks = new Map<string, IndexEntry>();
  readonly #linked = new Map<string, Set<string>>();

  /** Takes the next entry. A hard link to another one of this layer becomes a link to the file itself. */
  add(entry: IndexEntry): void {
    if (entry.type === "whiteout" || entry.type === "opaque") {
      this.#marks.set(`${entry.type}:${entry.path}`, entry);
      return;
    }
    const before = this.#entries.get(entry.path);
    if (before !== undefined && entry.type === "hardlink" && entry.target === entry.path) return;
    if (before !== undefined) this.#replace(before, entry);
    this.#entries.set(entry.path, entry.type === "hardlink" ? this.#link(entry) : entry);
  }

  /** The table of what was added. */
  result(): LayerIndex {
    const entries = [...this.#entries.values(), ...this.#marks.values()];
    const isSorted = entries.every((entry, i) => i === 0 || compareEntries(entries[i - 1] ?? entry, entry) < 0);
    return { entries: isSorted ? entries : entries.sort(compareEntries) };
  }

  #link(entry: IndexEntry & { readonly type: "hardlink" }): IndexEntry {
    const target = this.#entries.get(entry.target);
    const file = target?.type === "hardlink" ? target.target : entry.target;
    const names = this.#linked.get(file) ?? new Set();
    this.#linked.set(file, names.add(entry.path));
    return { ...entry, target: file };
  }

  /** A file that goes while links of this layer lead to it lives on under the first of their names. */
  #replace(before: IndexEntry, after: IndexEntry): void {
    const { path } = before;
    if (before.type === "hardlink") this.#linked.get(before.target)?.delete(path);
    const names = [...this.#linked.get(path) ?? []];
    this.#linked.delete(path);
    const [heir, ...others] = names;
    if (before.type !== "directory" && before.type !== "hardlink" && heir !== undefined) {
      this.#entries.set(heir, { ...before, path: heir });
      this.#linked.set(heir, new Set(others));
      for (const name of others) {
        const link = this.#entries.get(name);
        if (link?.type === "hardlink") this.#entries.set(name, { ...link, target: heir });
      }
    }
    if (before.type === "directory" && after.type !== "directory") this.#removeBelow(path);
    // A directory that replaces a file does not show what the layers below have: extracting has removed that before.
    if (before.type !== "directory" && after.type === "directory") {
      this.#marks.set(`opaque:${path}`, { type: "opaque", path });
    }
  }

  #removeBelow(path: string): void {
    const prefix = `${path}/`;
    for (const below of [...this.#entries.keys()]) {
      if (!below.startsWith(prefix)) continue;
      const entry = this.#entries.get(below);
      if (entry === undefined) continue;
      this.#replace(entry, { type: "whiteout", path: below });
      this.#entries.delete(below);
    }
  }
}

function compareEntries(a: IndexEntry, b: IndexEntry): number {
  return comparePaths(a.path, b.path) || (rank[a.type] ?? 2) - (rank[b.type] ?? 2);
}
