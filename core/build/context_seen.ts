import { type FileStat, isUnchanged, RECORD_WORDS } from "../os/file_stat.ts";
import type { FileType, Scan } from "../os/file_system.ts";
import { contextChanged } from "./context_error.ts";
import { baseName, joinPath, parentPath } from "./context_rules.ts";

/**
 * What digests saw of a context. A digest becomes a cache key before the files are read for the layer, so what is read
 * later must be what was seen then; anything else throws `CONFLICT`. Of directories only the mode counts: their times
 * change with files that are left out.
 */
export class SeenFiles {
  readonly #scans = new Map<string, Scan>();
  readonly #files = new Map<string, FileStat>();

  /** Notes the state of a directory's children for later. */
  noteScan(directory: string, scan: Scan): void {
    this.#scans.set(directory, scan);
  }

  /** Notes the state of one file for later. */
  noteFile(path: string, stat: FileStat): void {
    this.#files.set(path, stat);
  }

  /** Checks a file against what was seen of it, if it was seen. */
  checkFile(path: string, stat: FileStat): void {
    const before = this.#files.get(path) ?? this.#scanned(path);
    if (before !== undefined && !isAlike(before, stat)) throw contextChanged(path, "it changed");
  }

  /** Checks a directory's children against what was seen of them, those that `isTaken` tells. */
  checkScan(directory: string, scan: Scan, isTaken: (name: string, type: FileType) => boolean): void {
    const before = this.#scans.get(directory);
    if (before === undefined || before === scan || isEqual(before, scan)) return;
    scan.names.forEach((name, index) => {
      const type = scan.type(index);
      if (type === "socket" || !isTaken(name, type)) return;
      const known = before.indexOf(name);
      if (known === undefined) throw contextChanged(joinPath(directory, name), "it appeared");
      if (!isAlike(before.stat(known), scan.stat(index))) throw contextChanged(joinPath(directory, name), "it changed");
    });
    before.names.forEach((name, index) => {
      const type = before.type(index);
      if (type === "socket" || scan.indexOf(name) !== undefined || !isTaken(name, type)) return;
      throw contextChanged(joinPath(directory, name), "it vanished");
    });
  }

  #scanned(path: string): FileStat | undefined {
    if (path === ".") return undefined;
    const scan = this.#scans.get(parentPath(path));
    const index = scan?.indexOf(baseName(path));
    return index === undefined ? undefined : scan?.stat(index);
  }
}

function isAlike(before: FileStat, after: FileStat): boolean {
  if (before.type === "directory") return after.type === "directory" && before.mode === after.mode;
  return isUnchanged(before, after);
}

/** Whether two scans are the same to the last word: the common case, told without an object for each file. */
function isEqual(before: Scan, after: Scan): boolean {
  if (before.names.length !== after.names.length) return false;
  const a = before.records;
  const b = after.records;
  for (let i = 0; i < after.names.length * RECORD_WORDS; i++) if (a[i] !== b[i]) return false;
  return before.names.every((name, index) => name === after.names[index]);
}
