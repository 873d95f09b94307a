import { osError, readErrno } from "./errno.ts";
import type { FileStat } from "./file_stat.ts";
import { createCStringBuffer, createNameBuffer, cString, type Libc, type LibcWriter, Sys } from "./libc.ts";
import { LibcBuffers } from "./libc_file.ts";
import { LibcOpener } from "./libc_open.ts";
import { createLibcRoot, statPath } from "./libc_root.ts";
import { LibcWritableFile, setAttributes, timePair, timesOf, writeAll } from "./libc_writable_file.ts";
import type { FileAttributes, Root, SnapshotWriter, SpecialNode } from "./root.ts";

const nodeBits: Readonly<Record<SpecialNode["type"], number>> = { fifo: 0o010000, char: 0o020000, block: 0o060000 };

const newFile = Sys.O_WRONLY | Sys.O_CREAT | Sys.O_EXCL | Sys.O_NOFOLLOW | Sys.O_CLOEXEC;

/** Longest target of a symlink, its NUL included (linux/limits.h, PATH_MAX). */
const maxTargetBytes = 4096;

/** What files have that are made in one directory, before anything is set: it depends on the process and on the directory. */
interface Made {
  /** Which of the directories that the opener opened. */
  readonly directory: number;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits that were asked for. */
  readonly askedBits: number;
  /** Those of them that were given. */
  readonly keptBits: number;
}

/** Opens a directory for writing through libc. */
export function createLibcWriter(path: string, libc: Libc, writer: LibcWriter): SnapshotWriter {
  return new LibcRootWriter(new LibcOpener(path, libc), libc, writer);
}

class LibcRootWriter implements SnapshotWriter {
  readonly path: string;
  readonly #opener: LibcOpener;
  readonly #libc: Libc;
  readonly #writer: LibcWriter;
  readonly #buffers: LibcBuffers;
  readonly #calls: { readonly libc: Libc; readonly writer: LibcWriter };
  readonly #nameOf = createNameBuffer();
  readonly #targetOf = createCStringBuffer(maxTargetBytes);
  #made: Made | undefined;

  constructor(opener: LibcOpener, libc: Libc, writer: LibcWriter) {
    this.path = opener.path;
    this.#opener = opener;
    this.#libc = libc;
    this.#writer = writer;
    this.#buffers = new LibcBuffers(libc);
    this.#calls = { libc, writer };
  }

  lstat(path: string): FileStat | undefined {
    return statPath(this.#buffers, this.#opener, path);
  }

  makeDirectory(path: string): void {
    const parent = this.#parent(path);
    this.#check(this.#writer.mkdirat(parent, this.#name(path), 0o700), "mkdirat", path);
  }

  createFile(path: string): LibcWritableFile {
    return new LibcWritableFile(this.#create(path, 0o600), path, this.#calls);
  }

  symlink(target: string, path: string): void {
    const parent = this.#parent(path);
    const text = this.#targetOf(target);
    if (text === undefined) throw osError({ action: "write", syscall: "symlinkat", errno: "ENAMETOOLONG", path });
    this.#check(this.#writer.symlinkat(text, parent, this.#name(path)), "symlinkat", path);
  }

  writeSymlink(path: string, target: string, { owner, mtime }: FileAttributes): void {
    this.symlink(target, path);
    const parent = this.#parent(path);
    const name = this.#name(path);
    const isOwned = this.#made?.directory === this.#opener.parents && isOwnedBy(this.#made, owner);
    if (owner !== undefined && !isOwned) {
      const result = this.#writer.fchownat(parent, name, owner.uid, owner.gid, Sys.AT_SYMLINK_NOFOLLOW);
      this.#check(result, "fchownat", path);
    }
    this.#check(this.#writer.utimensat(parent, name, timesOf(mtime), Sys.AT_SYMLINK_NOFOLLOW), "utimensat", path);
  }

  link(existing: string, path: string): void {
    const slash = existing.lastIndexOf("/");
    const from = this.#opener.open(slash < 0 ? "." : existing.slice(0, slash), Sys.O_PATH | Sys.O_DIRECTORY, "write");
    try {
      const parent = this.#parent(path);
      const fromName = cString(existing.slice(slash + 1));
      this.#check(this.#writer.linkat(from, fromName, parent, this.#name(path), 0), "linkat", path);
    } finally {
      this.#libc.close(from);
    }
  }

  makeNode(path: string, node: SpecialNode): void {
    const parent = this.#parent(path);
    const result = this.#writer.mknodat(parent, this.#name(path), nodeBits[node.type] | 0o600, deviceNumber(node));
    this.#check(result, "mknodat", path);
  }

  setAttributes(path: string, attributes: FileAttributes): readonly string[] {
    const stat = this.lstat(path);
    if (stat === undefined) throw osError({ action: "write", syscall: "openat2", errno: "ENOENT", path });
    if (stat.type === "file" || stat.type === "directory") return this.#setOpen(path, attributes);
    const parent = this.#parent(path);
    const { owner, mode, mtime } = attributes;
    const name = this.#name(path);
    const flag = Sys.AT_SYMLINK_NOFOLLOW;
    if (owner) this.#check(this.#writer.fchownat(parent, name, owner.uid, owner.gid, flag), "fchownat", path);
    if (stat.type !== "symlink") this.#changeMode(path, mode);
    this.#check(this.#writer.utimensat(parent, name, timesOf(mtime), flag), "utimensat", path);
    return [];
  }

  setDirectory(path: string, attributes: FileAttributes): readonly string[] {
    this.#made = undefined;
    const fd = this.#opener.open(path, Sys.O_RDONLY | Sys.O_DIRECTORY, "write");
    try {
      return setAttributes(fd, { path, attributes }, this.#calls);
    } finally {
      this.#libc.close(fd);
    }
  }

  unlink(path: string): void {
    const parent = this.#parent(path);
    this.#check(this.#writer.unlinkat(parent, this.#name(path), 0), "unlinkat", path);
  }

  writeFile(path: string, content: Uint8Array<ArrayBuffer>, attributes: FileAttributes): readonly string[] {
    const { mode, owner, mtime, xattrs } = attributes;
    const fd = this.#create(path, mode & 0o777);
    try {
      if (content.length > 0) writeAll(fd, content, { path, calls: this.#calls });
      if (xattrs !== undefined) return setAttributes(fd, { path, attributes }, this.#calls);
      const made = this.#look(fd, path, mode);
      if (owner && !isOwnedBy(made, owner)) this.#check(this.#writer.fchown(fd, owner.uid, owner.gid), "fchown", path);
      if ((mode & ~made.keptBits) !== 0) this.#check(this.#writer.fchmod(fd, mode), "fchmod", path);
      this.#check(this.#writer.futimens(fd, timesOf(mtime)), "futimens", path);
      return [];
    } finally {
      this.#libc.close(fd);
    }
  }

  setTime(path: string, { mtimeSeconds, mtimeNanos }: Pick<FileStat, "mtimeSeconds" | "mtimeNanos">): void {
    if (path === ".") {
      this.#withOpen(path, (fd) => {
        this.#check(this.#writer.futimens(fd, timePair(mtimeSeconds, mtimeNanos)), "futimens", path);
      });
      return;
    }
    const parent = this.#parent(path);
    const times = timePair(mtimeSeconds, mtimeNanos);
    const result = this.#writer.utimensat(parent, this.#name(path), times, Sys.AT_SYMLINK_NOFOLLOW);
    this.#check(result, "utimensat", path);
  }

  removeAll(path: string): void {
    const type = this.lstat(path)?.type;
    if (type === undefined) return;
    if (type !== "directory") return this.unlink(path);
    using root = createLibcRoot(this.path, this.#libc);
    this.#removeDirectory(path, root);
  }

  xattr(path: string, name: string): Uint8Array | undefined {
    return this.#withOpen(path, (fd) => {
      const value = new Uint8Array(256);
      const length = Number(this.#libc.fgetxattr(fd, cString(name), value, BigInt(value.length)));
      if (length >= 0) return value.slice(0, length);
      const errno = readErrno(this.#libc.errno()).name;
      if (errno === "ENODATA" || errno === "EOPNOTSUPP") return undefined;
      throw osError({ action: "read attributes of", syscall: "fgetxattr", errno, path });
    });
  }

  setXattr(path: string, name: string, value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.#withOpen(path, (fd) => {
      const result = this.#writer.fsetxattr(fd, cString(name), bytes, BigInt(bytes.length), 0);
      this.#check(result, "fsetxattr", path);
    });
  }

  removeXattr(path: string, name: string): void {
    this.#withOpen(path, (fd) => {
      if (this.#writer.fremovexattr(fd, cString(name)) === 0) return;
      const errno = readErrno(this.#libc.errno()).name;
      if (errno !== "ENODATA") throw osError({ action: "write attributes of", syscall: "fremovexattr", errno, path });
    });
  }

  [Symbol.dispose](): void {
    this.#opener[Symbol.dispose]();
  }

  #removeDirectory(path: string, root: Root): void {
    const scan = root.scan(path);
    for (const [index, name] of scan.names.entries()) {
      if (scan.type(index) === "directory") this.#removeDirectory(`${path}/${name}`, root);
      else this.unlink(`${path}/${name}`);
    }
    this.#opener.leaveParent();
    const parent = this.#parent(path);
    this.#check(this.#writer.unlinkat(parent, this.#name(path), Sys.AT_REMOVEDIR), "unlinkat", path);
  }

  #setOpen(path: string, attributes: FileAttributes): readonly string[] {
    this.#made = undefined;
    return this.#withOpen(path, (fd) => setAttributes(fd, { path, attributes }, this.#calls));
  }

  /** Mode of a fifo or device, through a descriptor that only names it: opening one for reading has effects. */
  #changeMode(path: string, mode: number): void {
    const fd = this.#opener.open(path, Sys.O_PATH, "write");
    const name = cString(`/proc/self/fd/${fd}`);
    try {
      this.#check(this.#writer.fchmodat(Sys.AT_FDCWD, name, mode, 0), "fchmodat", path);
    } finally {
      this.#libc.close(fd);
    }
  }

  /** Makes a file and gives its descriptor. */
  #create(path: string, mode: number): number {
    const parent = this.#parent(path);
    return this.#check(this.#libc.openat(parent, this.#name(path), newFile, mode), "openat", path);
  }

  /** What a file just made has; for all files of one directory it is asked once for each permission bit. */
  #look(fd: number, path: string, mode: number): Made {
    const directory = this.#opener.parents;
    const known = this.#made?.directory === directory ? this.#made : undefined;
    const bits = mode & 0o777;
    if (known !== undefined && (bits & ~known.askedBits) === 0) return known;
    const stat = this.#buffers.stat(fd);
    if (stat === undefined) throw this.#opener.failure("statx", path, "write");
    return this.#made = {
      directory,
      uid: stat.uid,
      gid: stat.gid,
      askedBits: (known?.askedBits ?? 0) | bits,
      keptBits: (known?.keptBits ?? 0) | stat.mode,
    };
  }

  /** The directory that a path is in, open until another one is asked for. */
  #parent(path: string): number {
    return this.#opener.openParent(path, "write");
  }

  /** The last part of a path; valid until the next call. */
  #name(path: string): Uint8Array<ArrayBuffer> {
    const name = this.#nameOf(path);
    if (name === undefined) throw osError({ action: "write", syscall: "openat", errno: "ENAMETOOLONG", path });
    return name;
  }

  /** Runs a call on an open file or directory. */
  #withOpen<T>(path: string, run: (fd: number) => T): T {
    const fd = this.#opener.open(path, Sys.O_RDONLY | Sys.O_NONBLOCK, "write");
    try {
      return run(fd);
    } finally {
      this.#libc.close(fd);
    }
  }

  #check(result: number, syscall: string, path: string): number {
    if (result < 0) throw this.#opener.failure(syscall, path, "write");
    return result;
  }
}

function isOwnedBy(made: Made, owner: FileAttributes["owner"]): boolean {
  return made.uid === owner?.uid && made.gid === owner.gid;
}

/** The `dev_t` of Linux (glibc, `makedev`). */
function deviceNumber({ major, minor }: SpecialNode): bigint {
  const high = BigInt(major), low = BigInt(minor);
  return (low & 0xffn) | (high & 0xfffn) << 8n | (low & 0xffffff00n) << 12n | (high & 0xfffff000n) << 32n;
}
