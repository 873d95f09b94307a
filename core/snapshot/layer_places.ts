import { EngineError } from "../errors.ts";
import { errnoOf } from "../os/errno.ts";
import { type FileStat, mtimeOf } from "../os/file_stat.ts";
import type { FileAttributes, Root, SnapshotWriter, Xattrs } from "../os/file_system.ts";
import { type PathLookup, resolvePath } from "../os/resolve_path.ts";
import { HiddenPaths } from "./hidden_paths.ts";
import type { Marking } from "./marking.ts";

/** Where a layer is unpacked to. */
export interface ApplyTarget {
  readonly writer: SnapshotWriter;
  /** Reads what `writer` writes. */
  readonly own: Root;
  /** For this layer only. */
  readonly marking: Marking;
  /** What the layers below make together; undefined when there are none, or when they are in the same directory. */
  readonly lower: () => Root | undefined;
}

const plain: FileAttributes = { mode: 0o755, owner: { uid: 0, gid: 0 }, mtime: 0 };

/**
 * Places for what a layer has: parents that it does not have are made as the layers below have them, symlinks among them are followed
 * inside the root.
 */
export class LayerPlaces {
  readonly hidden = new HiddenPaths();
  readonly #target: ApplyTarget;
  readonly #writer: SnapshotWriter;
  readonly #marking: Marking;
  /** Directories that are there, by path in the layer: the path to write at, empty for the root. */
  readonly #parents = new Map<string, string>([["", ""]]);
  /** Attributes of directories, set last because writing into one changes its time. */
  readonly #directories = new Map<string, FileAttributes>();
  /** Those that the layer does not have itself. */
  readonly #implied = new Set<string>();
  /** Directories of the layers below in the same directory, as they were before something was put into them. */
  readonly #touched = new Map<string, FileStat>();
  /** The parent that was asked for last; what comes next mostly has the same. */
  #last = { path: "", placed: "" };
  #isApart = true;
  readonly #lookup: PathLookup = {
    lstat: (path) => this.lstat(path),
    readLink: (path) => this.#lstatOwn(path) === undefined ? this.#lowerLink(path) : this.#target.own.readLink(path),
  };

  constructor(target: ApplyTarget) {
    this.#target = target;
    this.#writer = target.writer;
    this.#marking = target.marking;
    this.#touch(".", target.writer.lstat("."));
  }

  /** Whether nothing so far depends on the layers below. */
  get isApart(): boolean {
    return this.#isApart;
  }

  /** What the layers below make together. */
  lower(): Root | undefined {
    this.#isApart = false;
    return this.#target.lower();
  }

  /** What the layer has at a place, else what shows of the layers below. */
  lstat(path: string): FileStat | undefined {
    return this.#lstatOwn(path) ?? this.#lstatBelow(path);
  }

  /** The path to write at in place of one of the layer: its parents are there and are no symlinks. */
  place(path: string): string {
    const slash = path.lastIndexOf("/");
    if (slash < 0) return path;
    if (this.#last.path.length !== slash || !path.startsWith(this.#last.path)) {
      const parent = path.slice(0, slash);
      this.#last = { path: parent, placed: this.open(parent) };
    }
    const { path: parent, placed } = this.#last;
    return placed === parent ? path : placed === "" ? path.slice(slash + 1) : placed + path.slice(slash);
  }

  /** Where a path of the layer leads, without making anything; undefined when there is no such directory that it could be in. */
  seek(path: string): string | undefined {
    const slash = path.lastIndexOf("/");
    if (slash < 0) return path;
    const parent = path.slice(0, slash);
    const placed = this.#parents.get(parent) ?? this.seekDirectory(parent);
    if (placed === undefined) return undefined;
    return placed === "" || placed === "." ? path.slice(slash + 1) : placed + path.slice(slash);
  }

  /** Where the path of a directory leads, `.` for the root, symlinks followed to the last; undefined when there is none. */
  seekDirectory(path: string): string | undefined {
    const placed = resolvePath(this.#lookup, path, true);
    return placed === "." || this.lstat(placed)?.type === "directory" ? placed : undefined;
  }

  /** Whether the directory that a path of the layer is in is known to be there. */
  isParentOpen(path: string): boolean {
    return this.#parents.has(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
  }

  /** Makes a directory, with its parents, unless it is there; gives the path to write at, empty for the root. */
  open(path: string): string {
    const known = this.#parents.get(path);
    if (known !== undefined) return known;
    const resolved = resolvePath(this.#lookup, path, true);
    const placed = resolved === "." ? "" : resolved;
    if (placed !== "") this.#makeDirectories(placed);
    this.#parents.set(path, placed);
    return placed;
  }

  /** Takes note of a directory of the layer, which is there. */
  noteDirectory(path: string, placed: string, attributes: FileAttributes): void {
    const before = this.#parents.get(path);
    if (before !== undefined && before !== placed) this.#forgetNames(path);
    if (placed !== ".") this.#parents.set(path, placed);
    this.#directories.set(placed, attributes);
    this.#implied.delete(placed);
  }

  /** Takes away the extended attributes that a directory has and should not have. */
  dropXattrs(placed: string, kept: Xattrs): void {
    using directory = this.#target.own.open(placed);
    for (const name of Object.keys(directory.xattrs() ?? {})) {
      if (kept[name] === undefined) this.#writer.removeXattr(placed, name);
    }
  }

  /** Takes note that what the layer has at a path is no directory. */
  noteFile(path: string): void {
    if (this.#parents.has(path)) this.#forgetNames(path);
  }

  /** Takes note that nothing is at a place and below it any more. */
  forget(placed: string): void {
    this.#last = { path: "", placed: "" };
    for (const [known, at] of this.#parents) if (isWithin(at, placed)) this.#parents.delete(known);
    for (const known of [this.#directories, this.#touched]) {
      for (const at of known.keys()) if (isWithin(at, placed)) known.delete(at);
    }
    for (const at of this.#implied) if (isWithin(at, placed)) this.#implied.delete(at);
  }

  /** Lets directories at and below a place that the layer only implies have nothing of those that are hidden now. */
  reset(placed: string, { isWhole }: { readonly isWhole: boolean }): void {
    for (const path of [...this.#implied, ...this.#touched.keys()]) {
      if (path === "." || !(placed === "." || isWithin(path, placed)) || (path === placed && !isWhole)) continue;
      if (this.#writer.lstat(path) === undefined) this.forget(path);
      else {
        this.#touched.delete(path);
        this.#implied.add(path);
        this.#directories.set(path, plain);
        this.dropXattrs(path, {});
      }
    }
  }

  /** Whether the layer itself has a directory at a place, or only something below it. */
  isImplied(placed: string): boolean {
    return this.#implied.has(placed);
  }

  /** Gives directories their attributes. */
  finish(): void {
    for (const [path, attributes] of [...this.#directories].reverse()) this.#writer.setDirectory(path, attributes);
    for (const [path, stat] of this.#touched) if (!this.#directories.has(path)) this.#writer.setTime(path, stat);
  }

  #lstatOwn(path: string): FileStat | undefined {
    const stat = this.#writer.lstat(path);
    return stat === undefined || this.#marking.isMark(stat) ? undefined : stat;
  }

  #lstatBelow(path: string): FileStat | undefined {
    return this.hidden.covers(path) ? undefined : lstatSafely(this.lower(), path);
  }

  #lowerLink(path: string): string {
    return this.lower()?.readLink(path) ?? "";
  }

  #makeDirectories(path: string): void {
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      this.#makeDirectory(path.slice(0, slash), path);
    }
    this.#makeDirectory(path, path);
  }

  #makeDirectory(path: string, whole: string): void {
    if (this.#directories.has(path)) return;
    const there = this.#writer.lstat(path);
    if (there?.type === "directory") return this.#touch(path, there);
    const isMark = there !== undefined && this.#marking.isMark(there);
    const below = there === undefined ? this.#lstatBelow(path) : undefined;
    if ((there !== undefined && !isMark) || (below !== undefined && below.type !== "directory")) {
      throw notDirectory(whole, path);
    }
    if (isMark) this.#writer.unlink(path);
    this.#writer.makeDirectory(path);
    if (this.hidden.hasPath(path)) this.#marking.hideBelow(path);
    this.noteDirectory(path, path, below === undefined ? plain : this.#attributesBelow(path, below));
    this.#implied.add(path);
    this.#marking.note(path);
  }

  #touch(path: string, stat: FileStat | undefined): void {
    if (stat !== undefined && !this.#touched.has(path)) this.#touched.set(path, stat);
  }

  #attributesBelow(path: string, stat: FileStat): FileAttributes {
    using directory = this.lower()?.open(path);
    return {
      mode: stat.mode,
      owner: { uid: stat.uid, gid: stat.gid },
      mtime: mtimeOf(stat),
      xattrs: directory?.xattrs(),
    };
  }

  /** Forgets where paths of the layer at and below one lead. */
  #forgetNames(path: string): void {
    this.#last = { path: "", placed: "" };
    for (const known of this.#parents.keys()) if (known !== "" && isWithin(known, path)) this.#parents.delete(known);
  }
}

/** State of a file; undefined also when a symlink is on the way to it. */
export function lstatSafely(root: Root | undefined, path: string): FileStat | undefined {
  try {
    return root?.lstat(path);
  } catch (error) {
    if (errnoOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || (path.startsWith(folder) && path[folder.length] === "/");
}

function notDirectory(path: string, folder: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot unpack layer entry below "${path}": "${folder}" is no directory`, {
    detail: { field: "entry", value: path },
  });
}
