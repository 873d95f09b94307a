import type { Call } from "../contract/call.ts";
import type { LayerEntry, Tree } from "../contract/layer.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { errnoOf } from "../os/errno.ts";
import { type FileAttributes, openRootWriter, type RootWriter } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { writeContent } from "../snapshot/write_content.ts";

/** What was written. */
export interface WrittenTree {
  /** Entries: files, directories, links and devices. */
  readonly entries: number;
  /** Bytes of files; a hard link counts once. */
  readonly bytes: number;
}

/** How a tree is written. */
export interface WriteTreeOptions {
  /** Whether files get the owners they have in the tree, which takes root; all belong to the caller else. */
  readonly keepOwners: boolean;
  /** What of the tree is written: what is at this path, resolved, and below it; all when left out. */
  readonly path?: string;
  /** Whether what is below `path` is written into the directory itself and not under its path. */
  readonly isTop?: boolean;
}

/**
 * Writes a tree into a directory of this host, made when missing. What is there stays, but a file or link under a name
 * of the tree is replaced, and directories are merged. No symlink is followed below the directory, neither one that was
 * there nor one that the tree holds, so nothing is written outside of it. Modes, times, links and extended attributes
 * are set; devices that may not be made and attributes that the file system does not take are left out with a warning.
 * Rejects `CONFLICT` where a directory stands in the place of a file, `OS_FAILED` and `CANCELED`.
 */
export async function writeTree(
  tree: Tree,
  target: WriteTreeOptions & { readonly directory: string },
  call: Call,
): Promise<WrittenTree> {
  await Deno.mkdir(target.directory, { recursive: true });
  using root = openRootWriter(target.directory);
  const writer = new TreeWriter(root, target, call);
  const { path = ".", isTop = false } = target;
  if (!isTop) writer.makeParents(path);
  for await (const found of tree.walk(path, {}, call)) {
    throwIfAborted(call.signal);
    const entry = isTop ? below(path, found) : found;
    if (entry === undefined) continue;
    try {
      await writer.write(entry);
    } catch (error) {
      throw writing(entry.path, root.path, error);
    }
  }
  return writer.finish();
}

/** The entry with its paths counted from a directory of the tree; undefined for the directory itself. */
function below(path: string, entry: LayerEntry): LayerEntry | undefined {
  if (path === ".") return entry;
  if (entry.path === path) return undefined;
  const cut = (from: string): string => from.slice(path.length + 1);
  return entry.type === "hardlink"
    ? { ...entry, path: cut(entry.path), target: cut(entry.target) }
    : { ...entry, path: cut(entry.path) };
}

/** A failure of the system about an entry, with the directory that the entry was written to. */
function writing(path: string, directory: string, error: unknown): unknown {
  if (!isEngineError(error) || error.detail["path"] !== path || error.detail["syscall"] === undefined) return error;
  const state = error.message.slice(error.message.lastIndexOf(": ") + 2);
  return new EngineError(error.code, `Cannot write "${path}" to "${directory}": ${state}`, {
    cause: error,
    detail: error.detail,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

type Entry = Exclude<LayerEntry, { readonly type: "whiteout" | "opaque" }>;

class TreeWriter {
  readonly #root: RootWriter;
  readonly #options: WriteTreeOptions;
  readonly #call: Call;
  readonly #directories: Entry[] = [];
  readonly #refused = new Set<string>();
  readonly #missing = new Set<string>();
  #entries = 0;
  #bytes = 0;

  constructor(root: RootWriter, options: WriteTreeOptions, call: Call) {
    this.#root = root;
    this.#options = options;
    this.#call = call;
  }

  /** Makes the directories that a path is in. */
  makeParents(path: string): void {
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      const parent = path.slice(0, slash);
      if (this.#root.lstat(parent) === undefined) this.#root.makeDirectory(parent);
    }
  }

  async write(entry: LayerEntry): Promise<void> {
    if (entry.type === "whiteout" || entry.type === "opaque") {
      throw new EngineError("INTERNAL", `Cannot write "${entry.path}": a tree has no whiteouts`);
    }
    if (entry.path === ".") return;
    this.#entries++;
    if (entry.type === "directory") return this.#writeDirectory(entry);
    this.#makeRoom(entry.path);
    if (entry.type === "file") await this.#writeFile(entry);
    else if (!this.#writeOther(entry)) return;
    if (entry.type !== "hardlink") this.#setAttributes(entry);
  }

  /** Sets what writing into directories changed, children first, and gives what was written. */
  finish(): WrittenTree {
    for (const directory of this.#directories.reverse()) this.#setAttributes(directory);
    if (this.#refused.size > 0) {
      this.#warn("attributes", `extended attributes were left out: ${[...this.#refused].sort().join(", ")}`);
    }
    return { entries: this.#entries, bytes: this.#bytes };
  }

  #writeDirectory(entry: Entry): void {
    const there = this.#root.lstat(entry.path);
    if (there?.type !== "directory") {
      if (there !== undefined) this.#root.unlink(entry.path);
      this.#root.makeDirectory(entry.path);
    }
    this.#directories.push(entry);
  }

  async #writeFile(entry: Entry & { readonly type: "file" }): Promise<void> {
    using file = this.#root.createFile(entry.path);
    try {
      await writeContent(file, entry.content, this.#call.signal);
    } catch (error) {
      // Half a file would pass for a whole one.
      this.#root.unlink(entry.path);
      throw error;
    }
    this.#bytes += entry.size;
  }

  /** Writes a link or device; false when it had to be left out. */
  #writeOther(entry: Exclude<Entry, { readonly type: "file" | "directory" }>): boolean {
    switch (entry.type) {
      case "symlink":
        this.#root.symlink(entry.target, entry.path);
        return true;
      case "hardlink":
        if (this.#missing.has(entry.target)) return this.#leaveOut(entry);
        this.#root.link(entry.target, entry.path);
        return true;
      case "fifo":
        return this.#makeNode(entry, { type: "fifo", major: 0, minor: 0 });
      case "char":
      case "block":
        return this.#makeNode(entry, { type: entry.type, major: entry.major, minor: entry.minor });
    }
  }

  #makeNode(entry: Entry, node: { type: "fifo" | "char" | "block"; major: number; minor: number }): boolean {
    try {
      this.#root.makeNode(entry.path, node);
      return true;
    } catch (error) {
      if (errnoOf(error) !== "EPERM") throw error;
      return this.#leaveOut(entry);
    }
  }

  #leaveOut(entry: Entry): boolean {
    this.#entries--;
    this.#missing.add(entry.path);
    this.#warn("device", `"${entry.path}" was left out: devices may not be made here`);
    return false;
  }

  #setAttributes(entry: Entry): void {
    const { mode, uid, gid, mtime, xattrs } = entry;
    const owner = this.#options.keepOwners ? { uid, gid } : undefined;
    const attributes: FileAttributes = { mode, owner, mtime, xattrs };
    for (const name of this.#root.setAttributes(entry.path, attributes)) this.#refused.add(name);
  }

  /** Removes what is in the place of a file. */
  #makeRoom(path: string): void {
    const there = this.#root.lstat(path);
    if (there === undefined) return;
    if (there.type !== "directory") return this.#root.unlink(path);
    throw new EngineError("CONFLICT", `Cannot write "${path}" to "${this.#root.path}": a directory is in its place`, {
      detail: { kind: "file", name: path },
      hint: "Remove the directory, or write to an empty one",
    });
  }

  #warn(code: string, message: string): void {
    this.#call.emit({ type: "warning", code: `output-${code}`, message: `In "${this.#root.path}", ${message}` });
  }
}
