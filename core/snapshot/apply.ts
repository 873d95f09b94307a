import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { errnoOf } from "../os/errno.ts";
import { type FileAttributes, isImageXattr, type SnapshotWriter, type WritableFile } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { copyFile } from "./copy_file.ts";
import { type ApplyTarget, LayerPlaces, lstatSafely } from "./layer_places.ts";
import type { Marking } from "./marking.ts";
import { writeContent } from "./write_content.ts";

export type { ApplyTarget } from "./layer_places.ts";

/** What unpacking a layer came to. */
export interface AppliedLayer {
  /** Whether the layer was unpacked without a look at the layers below, so that the result is the same on any others. */
  readonly isApart: boolean;
  /** Whether the layer says what the root directory itself is like. */
  readonly hasRoot: boolean;
}

type Entry = Exclude<LayerEntry, { readonly type: "whiteout" | "opaque" }>;

/**
 * Unpacks a layer into a directory. A later entry of a path replaces an earlier one; whiteouts hide what is in the layers below and
 * never what the layer itself has, wherever they stand in it (image-spec, layer.md, "Whiteouts"). Parents that the layer does not
 * have are made as the layers below have them; symlinks among them are followed inside the root, and nothing is ever written
 * through one. Rejects `INVALID_ARGUMENT` for what cannot be unpacked, `UNSUPPORTED` for a file that would be taken for a whiteout,
 * `OS_FAILED` and `CANCELED`.
 */
export async function applyLayer(
  batches: AsyncIterable<readonly LayerEntry[]>,
  target: ApplyTarget,
  call: Call,
): Promise<AppliedLayer> {
  const applier = new Applier(target, call.signal);
  for await (const batch of batches) {
    throwIfAborted(call.signal);
    for (const entry of batch) {
      const waiting = applier.add(entry);
      if (waiting !== undefined) await waiting;
    }
  }
  return applier.finish();
}

class Applier {
  readonly #target: ApplyTarget;
  readonly #writer: SnapshotWriter;
  readonly #marking: Marking;
  readonly #places: LayerPlaces;
  readonly #signal: AbortSignal;
  #hasRoot = false;

  constructor(target: ApplyTarget, signal: AbortSignal) {
    this.#target = target;
    this.#writer = target.writer;
    this.#marking = target.marking;
    this.#places = new LayerPlaces(target);
    this.#signal = signal;
  }

  /** Takes the next entry; gives what to wait for when its content has to be read. */
  add(entry: LayerEntry): Promise<void> | undefined {
    if (entry.type === "whiteout") return this.#hide(entry.path);
    if (entry.type === "opaque") return this.#hideBelow(entry.path);
    if (entry.path === ".") return this.#setRoot(entry);
    const path = this.#places.place(entry.path);
    this.#marking.note(path);
    if (entry.type !== "directory") this.#places.noteFile(entry.path);
    try {
      return this.#write(entry, path);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      return this.#makeRoom(entry, path) ? this.#write(entry, path) : undefined;
    }
  }

  finish(): AppliedLayer {
    if (this.#places.hidden.hasBelow(".")) this.#hideBelowRoot();
    this.#places.finish();
    return { isApart: this.#places.isApart, hasRoot: this.#hasRoot };
  }

  #setRoot(entry: Entry): undefined {
    if (entry.type !== "directory") return;
    this.#hasRoot = true;
    this.#places.noteDirectory(".", ".", attributesOf(entry));
  }

  #write(entry: Entry, path: string): Promise<void> | undefined {
    switch (entry.type) {
      case "file":
        return this.#writeFile(entry, path);
      case "directory":
        return this.#writeDirectory(entry, path);
      case "symlink":
        this.#writer.writeSymlink(path, entry.target, attributesOf(entry));
        return undefined;
      case "hardlink":
        return this.#link(entry, path);
      case "fifo":
        this.#writer.makeNode(path, { type: "fifo", major: 0, minor: 0 });
        break;
      case "char":
      case "block":
        this.#makeDevice(entry, path);
        break;
    }
    this.#writer.setAttributes(path, attributesOf(entry));
    return undefined;
  }

  #writeFile(entry: Entry & { readonly type: "file" }, path: string): Promise<void> | undefined {
    if (!(entry.content instanceof Uint8Array)) return this.#fill(this.#writer.createFile(path), entry);
    this.#writer.writeFile(path, entry.content, attributesOf(entry));
    return undefined;
  }

  async #fill(file: WritableFile, entry: Entry & { readonly type: "file" }): Promise<void> {
    using _ = file;
    await writeContent(file, entry.content, this.#signal);
    file.setAttributes(attributesOf(entry));
  }

  #writeDirectory(entry: Entry, path: string): undefined {
    this.#writer.makeDirectory(path);
    if (this.#places.hidden.hasPath(path)) this.#marking.hideBelow(path);
    this.#places.noteDirectory(entry.path, path, attributesOf(entry));
  }

  #makeDevice(entry: Entry & { readonly type: "char" | "block" }, path: string): void {
    if (this.#marking.isMark(entry)) throw markInLayer(path);
    const { type, major, minor } = entry;
    try {
      this.#writer.makeNode(path, { type, major, minor });
    } catch (error) {
      // Inside a user namespace no device can be made; a file in its place keeps its name from showing as absent.
      if (errnoOf(error) !== "EPERM") throw error;
      this.#writer.createFile(path)[Symbol.dispose]();
    }
  }

  #link(entry: Entry & { readonly type: "hardlink" }, path: string): undefined {
    const target = this.#places.seek(entry.target);
    if (target === path) {
      this.#checkLink(entry, this.#places.lstat(path)?.type);
      return;
    }
    const own = target === undefined ? undefined : this.#writer.lstat(target);
    if (target !== undefined && own !== undefined && !this.#marking.isMark(own)) {
      this.#checkLink(entry, own.type);
      this.#writer.link(target, path);
      return;
    }
    const lower = this.#places.lower();
    const type = target === undefined ? undefined : lstatSafely(lower, target)?.type;
    this.#checkLink(entry, type);
    if (lower === undefined || target === undefined) return;
    // Where it is hidden, only the link stays of it; otherwise both names are of one file, which has to be in one directory.
    const isHidden = this.#places.hidden.covers(target);
    copyFile({ root: lower, path: target }, this.#writer, isHidden ? path : this.#places.place(entry.target));
    if (!isHidden) this.#writer.link(target, path);
  }

  #checkLink({ path, target }: Entry & { readonly type: "hardlink" }, type: string | undefined): void {
    if (type !== undefined && type !== "directory") return;
    throw new EngineError(
      "INVALID_ARGUMENT",
      `Cannot unpack layer entry "${path}": it is a hard link to "${target}", which is ${type ?? "absent"}`,
      { detail: { field: "entry", value: path } },
    );
  }

  /** Makes room for an entry in place of what is there; false when a directory is, which an entry of a directory only changes. */
  #makeRoom(entry: Entry, path: string): boolean {
    const there = this.#writer.lstat(path);
    if (there !== undefined && this.#marking.isMark(there)) {
      this.#writer.unlink(path);
      return true;
    }
    if (there?.type === "directory" && entry.type === "directory") {
      this.#places.dropXattrs(path, entry.xattrs ?? {});
      this.#places.noteDirectory(entry.path, path, attributesOf(entry));
      return false;
    }
    this.#places.forget(path);
    this.#writer.removeAll(path);
    // What comes after it in its place is not on what the layers below have, but on what was here.
    this.#places.hidden.addPath(path);
    return true;
  }

  #hide(path: string): undefined {
    const { hidden } = this.#places;
    const placed = this.#places.seek(path);
    if (placed === undefined) return;
    const there = this.#writer.lstat(placed);
    if (there !== undefined && this.#marking.isMark(there)) return;
    if (there !== undefined && this.#marking.isOwn(placed) && this.#hasContent(placed, there.type)) {
      hidden.addPath(placed);
      if (there.type !== "directory") return;
      this.#marking.hideBelow(placed);
      this.#places.reset(placed, { isWhole: true });
      return;
    }
    if (there === undefined && !this.#places.isParentOpen(path) && this.#places.lstat(placed) === undefined) return;
    this.#places.place(path);
    this.#places.forget(placed);
    if (there !== undefined) this.#writer.removeAll(placed);
    if (!hidden.covers(placed)) this.#marking.hide(placed);
    hidden.addPath(placed);
  }

  #hideBelow(path: string): undefined {
    const placed = path === "." ? "." : this.#places.seekDirectory(path);
    if (placed === undefined) return;
    if (placed !== ".") this.#places.open(path);
    this.#marking.hideBelow(placed);
    this.#places.hidden.addBelow(placed);
    this.#places.reset(placed, { isWhole: false });
  }

  /** Hides all that is in the root directory below, name by name: overlays heed no mark on the root directory itself. */
  #hideBelowRoot(): void {
    for (const name of this.#places.lower()?.scan(".").names ?? []) {
      const there = this.#writer.lstat(name);
      if (there === undefined) this.#marking.hide(name);
      else if (there.type === "directory") this.#marking.hideBelow(name);
    }
  }

  /** Whether something of the layer is at a place, or below it, that does not only stand for something hidden. */
  #hasContent(path: string, type: string): boolean {
    if (type !== "directory" || !this.#places.isImplied(path)) return true;
    const scan = this.#target.own.scan(path);
    return scan.names.some((name, index) => {
      const stat = scan.stat(index);
      return !this.#marking.isMark(stat) && this.#hasContent(`${path}/${name}`, stat.type);
    });
  }
}

function attributesOf({ mode, uid, gid, mtime, xattrs }: Entry): FileAttributes {
  if (xattrs === undefined) return { mode, owner: { uid, gid }, mtime };
  // Others are of this host: a layer must not tell the overlay file system what to do.
  const kept = Object.fromEntries(Object.entries(xattrs).filter(([name]) => isImageXattr(name)));
  return { mode, owner: { uid, gid }, mtime, xattrs: kept };
}

function markInLayer(path: string): EngineError {
  return new EngineError(
    "UNSUPPORTED",
    `Cannot unpack layer entry "${path}": a character device 0:0 stands for a file that is gone`,
    { detail: { what: "character device 0:0" }, hint: "Build with --snapshotter copy" },
  );
}
