import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { errnoOf } from "../os/errno.ts";
import {
  type FileAttributes,
  isImageXattr,
  openRootWriter,
  type RootWriter,
  type SpecialNode,
} from "../os/file_system.ts";
import { writeContent } from "../snapshot/write_content.ts";

type Entry = Exclude<LayerEntry, { readonly type: "whiteout" | "opaque" }>;

/**
 * Writes the files of one cache mount from an archive, strictly: each path once, parents before children, hard links only to what came
 * before, nothing through a symlink. Devices that may not be made are left out with a warning, as are attributes that the file system
 * does not take.
 */
export class MountWriter implements Disposable {
  readonly #root: RootWriter;
  readonly #prefix: string;
  readonly #call: Call;
  readonly #keepsOwners = Deno.build.os !== "windows" && Deno.uid() === 0;
  readonly #directories = new Map<string, FileAttributes>();
  readonly #left = new Set<string>();
  readonly #refused = new Set<string>();

  /** Writes to an empty directory what the archive has below `prefix`. */
  constructor(directory: string, prefix: string, call: Call) {
    this.#root = openRootWriter(directory);
    this.#prefix = prefix;
    this.#call = call;
  }

  /** Writes an entry at a path of the mount, `.` for its top. Rejects `INVALID_ARGUMENT`, `OS_FAILED`, `CANCELED`. */
  async write(entry: LayerEntry, path: string): Promise<void> {
    try {
      if (entry.type === "whiteout" || entry.type === "opaque") throw wrong(entry, "it is a whiteout");
      if (path !== ".") await this.#write(entry, path);
      else if (entry.type === "directory") this.#directories.set(path, this.#attributesOf(entry));
      else throw wrong(entry, "it is no directory");
    } catch (error) {
      throw explained(entry, error);
    }
  }

  /** Sets the attributes of directories, which writing into them changed, and warns of what was left out. */
  finish(id: string): void {
    for (const [path, attributes] of [...this.#directories].reverse()) this.#setAttributes(path, attributes);
    const warn = (message: string): void =>
      this.#call.emit({ type: "warning", code: "cache-import", message: `In cache mount "${id}", ${message}` });
    if (this.#left.size > 0) warn(`devices were left out: ${[...this.#left].sort().join(", ")}`);
    if (this.#refused.size > 0) warn(`extended attributes were left out: ${[...this.#refused].sort().join(", ")}`);
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }

  async #write(entry: Entry, path: string): Promise<void> {
    switch (entry.type) {
      case "directory":
        this.#root.makeDirectory(path);
        this.#directories.set(path, this.#attributesOf(entry));
        return;
      case "file": {
        using file = this.#root.createFile(path);
        await writeContent(file, entry.content, this.#call.signal);
        break;
      }
      case "symlink":
        this.#root.symlink(entry.target, path);
        break;
      case "hardlink":
        return this.#link(entry, path);
      case "fifo":
        this.#makeNode(path, { type: "fifo", major: 0, minor: 0 });
        break;
      case "char":
      case "block":
        if (!this.#makeNode(path, entry)) return;
        break;
    }
    this.#setAttributes(path, this.#attributesOf(entry));
  }

  #link(entry: Entry & { readonly type: "hardlink" }, path: string): void {
    if (!entry.target.startsWith(`${this.#prefix}/`)) throw wrong(entry, "it links to something outside of its mount");
    const target = entry.target.slice(this.#prefix.length + 1);
    if (this.#left.has(target)) this.#left.add(path);
    else this.#root.link(target, path);
  }

  /** False when it may not be made. */
  #makeNode(path: string, { type, major, minor }: SpecialNode): boolean {
    try {
      this.#root.makeNode(path, { type, major, minor });
      return true;
    } catch (error) {
      if (errnoOf(error) !== "EPERM") throw error;
      this.#left.add(path);
      return false;
    }
  }

  #setAttributes(path: string, attributes: FileAttributes): void {
    for (const name of this.#root.setAttributes(path, attributes)) this.#refused.add(name);
  }

  #attributesOf({ mode, uid, gid, mtime, xattrs = {} }: Entry): FileAttributes {
    // Others are of the host that they were read on.
    const kept = Object.fromEntries(Object.entries(xattrs).filter(([name]) => isImageXattr(name)));
    return { mode, owner: this.#keepsOwners ? { uid, gid } : undefined, mtime, xattrs: kept };
  }
}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "it comes twice",
  ELOOP: "a symbolic link or a file is in its way",
  ENOTDIR: "a symbolic link or a file is in its way",
  ENOENT: "what it lies in or links to is missing",
  EPERM: "it links to a directory",
};

/** What the system says about an entry as what is wrong with the archive. */
function explained(entry: LayerEntry, error: unknown): unknown {
  const isSystem = isEngineError(error) && error.code === "OS_FAILED";
  const errno = errnoOf(error) ?? "";
  const reason = errno === "EPERM" && entry.type !== "hardlink" ? undefined : reasons[errno];
  return isSystem && reason !== undefined ? wrong(entry, reason, error) : error;
}

function wrong(entry: LayerEntry, state: string, cause?: unknown): EngineError {
  const path = entry.path.slice(0, 200);
  return new EngineError("INVALID_ARGUMENT", `Cannot read "${path}": ${state}`, {
    cause,
    detail: { field: "archive", value: path },
  });
}
