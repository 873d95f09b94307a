import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { errnoOf } from "../os/errno.ts";
import { type FileStat, mtimeOf } from "../os/file_stat.ts";
import { type FileAttributes, isImageXattr, type Root, type SnapshotWriter } from "../os/file_system.ts";
import { type PathLookup, resolvePath } from "../os/resolve_path.ts";
import { throwIfAborted } from "../stream/abort.ts";
import type { Marking } from "./marking.ts";
import { copyFile } from "./copy_file.ts";
import { writeContent } from "./write_content.ts";

/** Where a layer is unpacked to. */
export interface ApplyTarget {
  readonly writer: SnapshotWriter;
  /** Reads what `writer` writes. */
  readonly own: Root;
  readonly marking: Marking;
  /** Whether the layers below are in the same directory. */
  readonly isFlat: boolean;
  /** What the layers below make together; undefined when there are none, or when they are in the same directory. */
  readonly lower: () => Root | undefined;
}

type Entry = Exclude<LayerEntry, { readonly type: "whiteout" | "opaque" }>;

/**
 * Unpacks a layer into a directory. A later entry of a path replaces an earlier one; whiteouts hide what is in the layers below and
 * never what the layer itself has, wherever they stand in it (image-spec, layer.md, "Whiteouts"). Parents that the layer does not
 * have are made as the layers below have them; symlinks among them are followed inside the root, and nothing is ever written
 * through one. Gives whether the layer was unpacked without a look at the layers below, so that the result is the same on any
 * others. Rejects `INVALID_ARGUMENT` for what cannot be unpacked, `OS_FAILED` and `CANCELED`.
 */
export async function applyLayer(
  entries: AsyncIterable<LayerEntry>,
  target: ApplyTarget,
  call: Call,
): Promise<{ readonly isApart: boolean }> {
  const applier = new Applier(target, call.signal);
  for await (const entry of entries) {
    throwIfAborted(call.signal);
    await applier.add(entry);
  }
  applier.finish();
  return { isApart: applier.isApart };
}

class Applier {
  readonly #target: ApplyTarget;
  readonly #writer: SnapshotWriter;
  readonly #signal: AbortSignal;
  /** Parents that are there, by path in the layer: the path to write at, empty for the root. */
  readonly #parents = new Map<string, string>([["", ""]]);
  /** Attributes of directories, set last because writing into one changes its time. */
  readonly #directories = new Map<string, FileAttributes>();
  /** Paths at which what is below is hidden and the layer has nothing. */
  readonly #hidden = new Set<string>();
  /** What the layer has, where that is not all there is. */
  readonly #own: Set<string> | undefined;
  isApart = true;

  constructor(target: ApplyTarget, signal: AbortSignal) {
    this.#target = target;
    this.#writer = target.writer;
    this.#signal = signal;
    this.#own = target.isFlat ? new Set() : undefined;
  }

  async add(entry: LayerEntry): Promise<void> {
    if (entry.type === "whiteout") return this.#hide(this.#place(entry.path));
    if (entry.type === "opaque") return this.#hideBelow(entry.path);
    if (entry.path === ".") {
      if (entry.type === "directory") this.#directories.set(".", attributesOf(entry));
      return;
    }
    const path = this.#place(entry.path);
    this.#own?.add(path);
    try {
      await this.#write(entry, path);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      if (this.#makeRoom(path, entry)) await this.#write(entry, path);
    }
  }

  finish(): void {
    for (const [path, attributes] of [...this.#directories].reverse()) this.#writer.setAttributes(path, attributes);
  }

  async #write(entry: Entry, path: string): Promise<void> {
    switch (entry.type) {
      case "directory":
        this.#writer.makeDirectory(path);
        this.#noteDirectory(entry.path, path, attributesOf(entry));
        return;
      case "file": {
        if (entry.content instanceof Uint8Array) {
          this.#writer.writeFile(path, entry.content, attributesOf(entry));
          return;
        }
        using file = this.#writer.createFile(path);
        await writeContent(file, entry.content, this.#signal);
        file.setAttributes(attributesOf(entry));
        return;
      }
      case "symlink":
        this.#writer.symlink(entry.target, path);
        break;
      case "hardlink":
        return this.#link(entry.target, path);
      case "fifo":
        this.#writer.makeNode(path, { type: "fifo", major: 0, minor: 0 });
        break;
      case "char":
      case "block":
        this.#makeDevice(entry, path);
        break;
    }
    this.#writer.setAttributes(path, attributesOf(entry));
  }

  #makeDevice({ type, major, minor }: Entry & { readonly type: "char" | "block" }, path: string): void {
    try {
      this.#writer.makeNode(path, { type, major, minor });
    } catch (error) {
      // Inside a user namespace no device can be made; a file in its place keeps its name from showing as absent.
      if (errnoOf(error) !== "EPERM") throw error;
      this.#writer.createFile(path)[Symbol.dispose]();
    }
  }

  #link(target: string, path: string): void {
    const existing = this.#place(target);
    try {
      this.#writer.link(existing, path);
    } catch (error) {
      const lower = errnoOf(error) === "ENOENT" ? this.#lower() : undefined;
      if (lower?.lstat(existing) === undefined) throw error;
      copyFile(lower, existing, this.#writer);
      this.#writer.link(existing, path);
    }
  }

  /** Makes room for an entry in place of what is there; false when a directory is, which an entry of a directory only changes. */
  #makeRoom(path: string, entry: Entry): boolean {
    const there = this.#writer.lstat(path);
    if (there?.type === "directory" && entry.type === "directory") {
      this.#noteDirectory(entry.path, path, attributesOf(entry));
      return false;
    }
    const wasHidden = this.#hidden.delete(path);
    this.#forget(path);
    this.#writer.removeAll(path);
    if (!wasHidden || entry.type !== "directory") return true;
    this.#writer.makeDirectory(path);
    this.#target.marking.hideBelow(path, this.#isOwn);
    this.#noteDirectory(entry.path, path, attributesOf(entry));
    return false;
  }

  #hide(path: string): void {
    const there = this.#writer.lstat(path);
    if (there === undefined || !this.#isOwn(path)) {
      if (!this.#hidden.has(path)) this.#target.marking.hide(path);
      this.#hidden.add(path);
    } else if (there.type === "directory") this.#target.marking.hideBelow(path, this.#isOwn);
  }

  #hideBelow(path: string): void {
    const placed = path === "." ? "." : this.#place(path);
    if (placed !== ".") this.#open(path);
    this.#target.marking.hideBelow(placed, this.#isOwn);
  }

  /** Whether what is at a path is of this layer. */
  readonly #isOwn = (path: string): boolean => this.#own?.has(path) ?? !this.#hidden.has(path);

  /** The path to write at in place of one of the layer: its parents are there and are no symlinks. */
  #place(path: string): string {
    const slash = path.lastIndexOf("/");
    if (slash < 0) return path;
    const parent = path.slice(0, slash);
    const found = this.#parents.get(parent) ?? this.#open(parent);
    return found === "" ? path.slice(slash + 1) : `${found}${path.slice(slash)}`;
  }

  #noteDirectory(path: string, placed: string, attributes: FileAttributes): void {
    this.#parents.set(path, placed);
    // Later directories are deeper or beside; one that comes again keeps its place in the order.
    this.#directories.set(placed, attributes);
  }

  #forget(path: string): void {
    const isBelow = (known: string): boolean => known === path || known.startsWith(`${path}/`);
    for (const [known, placed] of this.#parents) if (isBelow(placed)) this.#parents.delete(known);
    for (const known of this.#directories.keys()) if (isBelow(known)) this.#directories.delete(known);
  }

  #open(path: string): string {
    const resolved = resolvePath(this.#both(), path, true);
    const placed = resolved === "." ? "" : resolved;
    if (placed !== "") this.#makeParents(placed);
    this.#parents.set(path, placed);
    return placed;
  }

  #lower(): Root | undefined {
    this.isApart = false;
    return this.#target.lower();
  }

  /** What the layer has, over what the layers below have. */
  #both(): PathLookup {
    const own = (path: string): FileStat | undefined => this.#writer.lstat(path);
    return {
      lstat: (path) => own(path) ?? this.#lower()?.lstat(path),
      readLink: (path) =>
        own(path) === undefined ? this.#lower()?.readLink(path) ?? "" : this.#target.own.readLink(path),
    };
  }

  #makeParents(path: string): void {
    const parts = path.split("/");
    for (let length = 1; length <= parts.length; length++) {
      const folder = parts.slice(0, length).join("/");
      const there = this.#writer.lstat(folder);
      if (there?.type === "directory") continue;
      const below = there === undefined ? this.#lower()?.lstat(folder) : undefined;
      if (there !== undefined || (below !== undefined && below.type !== "directory")) throw notDirectory(path, folder);
      this.#writer.makeDirectory(folder);
      this.#noteDirectory(folder, folder, below === undefined ? plain : this.#attributesBelow(folder, below));
    }
  }

  #attributesBelow(path: string, stat: FileStat): FileAttributes {
    using directory = this.#lower()?.open(path);
    return {
      mode: stat.mode,
      owner: { uid: stat.uid, gid: stat.gid },
      mtime: mtimeOf(stat),
      xattrs: directory?.xattrs(),
    };
  }
}

const plain: FileAttributes = { mode: 0o755, owner: { uid: 0, gid: 0 }, mtime: 0 };

function attributesOf({ mode, uid, gid, mtime, xattrs }: Entry): FileAttributes {
  if (xattrs === undefined) return { mode, owner: { uid, gid }, mtime };
  // Others are of this host: a layer must not tell the overlay file system what to do.
  const kept = Object.fromEntries(Object.entries(xattrs).filter(([name]) => isImageXattr(name)));
  return { mode, owner: { uid, gid }, mtime, xattrs: kept };
}

function notDirectory(path: string, folder: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot unpack layer entry below "${path}": "${folder}" is no directory`, {
    detail: { field: "entry", value: path },
  });
}
