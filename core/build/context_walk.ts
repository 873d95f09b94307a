import { type FileStat, linkKey } from "../os/file_stat.ts";
import type { FileType, Scan } from "../os/file_system.ts";
import { compareNames } from "../layer/path_order.ts";
import { type ContextRules, joinPath } from "./context_rules.ts";

/** One file that a walk meets. */
export interface WalkItem {
  /** Path relative to the tree's root. */
  readonly path: string;
  /** Its state. */
  readonly stat: FileStat;
  /** Path of the same file that this walk met first, when this is a later name of it. */
  readonly linkTo: string | undefined;
}

/** Lists the children of a directory of the tree. */
export type ScanDirectory = (directory: string) => Scan;

interface Level {
  readonly directory: string;
  readonly scan: Scan;
  /** Indexes of the children, in bytewise order of their names. */
  readonly order: readonly number[];
  next: number;
}

/**
 * Walks what is below a directory, parents before children, each directory's children in bytewise order of their names
 * and right after it. Sockets are left out, and so is a directory whose path the rules leave out unless something below
 * it is taken.
 */
export function* walkContext(start: string, rules: ContextRules, scan: ScanDirectory): Generator<WalkItem> {
  const links = new Map<string, string>();
  const levels: Level[] = [openLevel(start, scan)];
  const pending: { readonly item: WalkItem; readonly depth: number }[] = [];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const index = level.order[level.next++];
    if (index === undefined) {
      levels.pop();
      while ((pending.at(-1)?.depth ?? -1) >= levels.length) pending.pop();
      continue;
    }
    const type = level.scan.type(index);
    if (type === "socket") continue;
    const path = joinPath(level.directory, level.scan.names[index] ?? "");
    const verdict = rules.takesAll ? "take" : rules.judge(path);
    if (verdict === "leave-out" || (verdict === "look-below" && type !== "directory")) continue;
    const stat = level.scan.stat(index);
    const item = { path, stat, linkTo: linkOf(links, path, stat) };
    if (verdict === "take") {
      for (const waiting of pending.splice(0)) yield waiting.item;
      yield item;
    } else pending.push({ item, depth: levels.length });
    if (type === "directory") levels.push(openLevel(path, scan));
  }
}

/**
 * Every directory that a walk from `start` on lists, in no particular order, with the indexes of the children that it
 * takes or looks below.
 */
export function* scanContext(start: string, rules: ContextRules, scan: ScanDirectory): Generator<ScannedDirectory> {
  const waiting = [start];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    const found = scan(directory);
    const taken: number[] = [];
    for (let index = 0; index < found.names.length; index++) {
      const type = found.type(index);
      if (type === "socket" || (type !== "directory" && rules.takesAll)) continue;
      const path = joinPath(directory, found.names[index] ?? "");
      const verdict = rules.takesAll ? "take" : rules.judge(path);
      if (verdict === "leave-out" || (verdict === "look-below" && type !== "directory")) continue;
      if (type === "directory") waiting.push(path);
      taken.push(index);
    }
    yield { directory, scan: found, taken: rules.takesAll ? undefined : taken };
  }
}

/** A directory that {@linkcode scanContext} listed. */
export interface ScannedDirectory {
  /** Its path. */
  readonly directory: string;
  /** Its children. */
  readonly scan: Scan;
  /** Indexes of the children that count; undefined for all. */
  readonly taken: readonly number[] | undefined;
}

function openLevel(directory: string, scan: ScanDirectory): Level {
  const found = scan(directory);
  return { directory, scan: found, order: sortedIndexes(found.names), next: 0 };
}

function sortedIndexes(names: readonly string[]): number[] {
  const indexes = names.map((_, index) => index);
  return indexes.sort((a, b) => compareNames(names[a] ?? "", names[b] ?? ""));
}

function linkOf(links: Map<string, string>, path: string, stat: FileStat): string | undefined {
  if (stat.type !== "file" || stat.links < 2) return undefined;
  const key = linkKey(stat);
  const first = links.get(key);
  if (first === undefined) links.set(key, path);
  return first;
}

/** Names of a scan in bytewise order, without sockets. */
export function sortedNames(scan: Scan, isTaken: (name: string, type: FileType) => boolean): string[] {
  const names: string[] = [];
  for (const index of sortedIndexes(scan.names)) {
    const name = scan.names[index] ?? "";
    const type = scan.type(index);
    if (type !== "socket" && isTaken(name, type)) names.push(name);
  }
  return names;
}
