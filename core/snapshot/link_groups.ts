import { type FileStat, isSameFile as isSameInode, linkKey } from "../os/file_stat.ts";
import type { Root, Scan, SnapshotWriter } from "../os/file_system.ts";
import { isSameFile } from "./file_facts.ts";
import { lstatSafely } from "./layer_places.ts";
import { isWhiteout, originName } from "./marking.ts";
import type { Upper } from "./upper.ts";

/** The names that one file has in an upper directory. */
export interface LinkGroup {
  /** Paths, in the order of the walk. */
  readonly paths: readonly string[];
  /** Whether the lower directories have the same file under all of these names. */
  readonly isUnchanged: boolean;
}

/** Groups by the key of their file. */
export type LinkGroups = ReadonlyMap<string, LinkGroup>;

/** An overlay that is still mounted, and what it is made of. */
export interface MountedOverlay {
  readonly merged: Root;
  /** Writes to `merged`. */
  readonly writer: SnapshotWriter;
  readonly upper: Root;
  readonly lower: Root;
  /** The directory that the kernel works in. */
  readonly work: Root;
}

/**
 * Gives the upper directory all names of a file that was written to. The overlay shows the change under every name that the file has in
 * the lower directories, but keeps it under those only that were used, or under none but in its index (Linux, overlayfs.rst, "index").
 */
export function completeNames({ merged, writer, upper, lower, work }: MountedOverlay): void {
  if (!hasIndexed(work)) return;
  const other = `.strata-${crypto.randomUUID()}`;
  for (const { path, stat } of linkedFiles(lower, ".")) {
    const shown = lstatSafely(merged, path);
    if (shown === undefined || !isCopied(shown, stat) || lstatSafely(upper, path) !== undefined) continue;
    writer.link(path, other);
    writer.unlink(other);
  }
}

function hasIndexed(work: Root): boolean {
  if (work.lstat("index") === undefined) return false;
  const scan = work.scan("index");
  return scan.names.some((_, index) => !isWhiteout(scan.stat(index)));
}

/** Whether what the overlay shows is a copy of a lower file: it has its number, but another time of change. */
function isCopied(shown: FileStat, below: FileStat): boolean {
  return shown.inodeLow === below.inodeLow && shown.inodeHigh === below.inodeHigh && shown.type === below.type &&
    (shown.ctimeSeconds !== below.ctimeSeconds || shown.ctimeNanos !== below.ctimeNanos);
}

/** Files that have several names in an upper directory, as its scans tell. */
export function findLinkGroups(upper: Upper, scans: Scans): LinkGroups {
  const files = [...linkedFiles(scans, ".")];
  const groups = new Map<string, LinkGroup>();
  for (const [key, names] of Map.groupBy(files, ({ stat }) => linkKey(stat))) {
    groups.set(key, { paths: names.map(({ path }) => path), isUnchanged: isAsBelow(names, upper) });
  }
  return groups;
}

function isAsBelow(names: readonly LinkedFile[], { upper, lower, writer, isUserNamespace }: Upper): boolean {
  const [first] = names.map(({ path, stat }) => ({ path, stat, below: lstatSafely(lower, path) }));
  if (lower === undefined || first?.below === undefined) return false;
  const { path: at, stat: { type }, below: original } = first;
  const isCopy = type === "file" && writer.xattr(at, originName(isUserNamespace)) !== undefined;
  // A new file under some of the names is no longer the one that has the others, equal as they may be.
  if (!isCopy && original.links > names.length) return false;
  return names.every(({ path, stat }) => {
    const below = lstatSafely(lower, path);
    return below !== undefined && isSameInode(below, original) &&
      isSameFile({ root: upper, path, stat }, { root: lower, path, stat: below });
  });
}

/** One name of a file that has several. */
export interface LinkedFile {
  readonly path: string;
  readonly stat: FileStat;
}

/** Gives the scan of a directory, now or as it was. */
export interface Scans {
  scan(path: string): Scan;
}

/** All files below a directory that have several names; whiteouts share one file, and are none. */
export function* linkedFiles(root: Scans, path: string): Generator<LinkedFile> {
  const scan = root.scan(path);
  for (const [index, name] of scan.names.entries()) {
    const child = path === "." ? name : `${path}/${name}`;
    if (scan.type(index) === "directory") yield* linkedFiles(root, child);
    else if (scan.links(index) > 1) {
      const stat = scan.stat(index);
      if (!isWhiteout(stat)) yield { path: child, stat };
    }
  }
}
