import { EngineError } from "../errors.ts";
import type { FileStat } from "../os/file_stat.ts";
import type { Root, SnapshotWriter } from "../os/file_system.ts";
import { resolvePath } from "../os/resolve_path.ts";

/** What is mounted somewhere: a directory, or a file. */
export type MountPointKind = "directory" | "file";

interface Parent {
  readonly before: FileStat;
  after: FileStat;
}

/**
 * Files and directories that things are mounted on, in a root that is about to be run in. Those that were not there are taken away
 * again, unless something was put into them, so that they do not get into the layer.
 */
export class MountPoints {
  readonly #root: Root;
  readonly #writer: SnapshotWriter;
  readonly #made: { readonly path: string; readonly kind: MountPointKind }[] = [];
  readonly #parents = new Map<string, Parent>();

  /** `root` reads what `writer` writes. */
  constructor(root: Root, writer: SnapshotWriter) {
    this.#root = root;
    this.#writer = writer;
  }

  /** The place that a path leads to, symlinks followed inside the root; absolute. */
  resolve(target: string): string {
    const path = resolvePath(this.#root, target, true);
    return `/${path === "." ? "" : path}`;
  }

  /**
   * The place that a path leads to, symlinks followed inside the root, made when it is missing; absolute. Throws `CONFLICT` when
   * something of another kind is there.
   */
  make(target: string, kind: MountPointKind): string {
    const path = resolvePath(this.#root, target, true);
    const parts = path === "." ? [] : path.split("/");
    for (let length = 1; length <= parts.length; length++) {
      const part = parts.slice(0, length).join("/");
      const isLast = length === parts.length;
      const there = this.#root.lstat(part);
      if (there === undefined) this.#create(part, isLast ? kind : "directory");
      else if ((there.type === "directory") !== (!isLast || kind === "directory")) throw conflict(target, part, there);
    }
    return `/${path === "." ? "" : path}`;
  }

  /** Paths of what was made, parents first. */
  made(): readonly string[] {
    return this.#made.map(({ path }) => path);
  }

  /**
   * Takes away what was made and is still empty, and lets its parents have the times that they would have without it. `root` and
   * `writer` are opened after the run: those from before may still hold directories that it has replaced.
   */
  restore(root: Root, writer: SnapshotWriter): void {
    const now = new Map([...this.#parents.keys()].map((path) => [path, root.lstat(path)]));
    for (const { path, kind } of this.#made.reverse()) {
      const there = root.lstat(path);
      const isUntouched = kind === "file"
        ? there?.type === "file" && there.size === 0
        : there?.type === "directory" && root.scan(path).names.length === 0;
      if (isUntouched) writer.removeAll(path);
    }
    for (const [path, { before, after }] of this.#parents) {
      const then = now.get(path);
      if (then === undefined || root.lstat(path)?.type !== "directory") continue;
      writer.setTime(path, isSameTime(then, after) ? before : then);
    }
  }

  #create(path: string, kind: MountPointKind): void {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "." : path.slice(0, slash);
    const before = this.#root.lstat(parent);
    if (kind === "directory") this.#writer.makeDirectory(path);
    else this.#writer.createFile(path)[Symbol.dispose]();
    const mode = kind === "directory" ? 0o755 : 0o644;
    this.#writer.setAttributes(path, { mode, owner: { uid: 0, gid: 0 }, mtime: 0 });
    this.#made.push({ path, kind });
    const after = this.#root.lstat(parent);
    if (before === undefined || after === undefined) return;
    const known = this.#parents.get(parent);
    if (known === undefined) this.#parents.set(parent, { before, after });
    else known.after = after;
  }
}

function isSameTime(a: FileStat, b: FileStat): boolean {
  return a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanos === b.mtimeNanos;
}

function conflict(target: string, path: string, there: FileStat): EngineError {
  return new EngineError("CONFLICT", `Cannot mount at "${target}": "/${path}" is a ${there.type}`, {
    detail: { kind: "mount", name: target },
    hint: "Give the mount another target",
  });
}
