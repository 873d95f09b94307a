import { osError, readErrno } from "./errno.ts";
import type { FileStat } from "./file_stat.ts";
import { cString, type Libc, type LibcWriter, Sys } from "./libc.ts";
import { LibcBuffers } from "./libc_file.ts";
import { LibcOpener } from "./libc_open.ts";
import { createLibcRoot, statPath } from "./libc_root.ts";
import { LibcWritableFile, setAttributes, timePair, timesOf } from "./libc_writable_file.ts";
import type { FileAttributes, SnapshotWriter, SpecialNode } from "./root.ts";

const nodeBits: Readonly<Record<SpecialNode["type"], number>> = { fifo: 0o010000, char: 0o020000, block: 0o060000 };

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
    this.#at(path, (fd, name) => this.#check(this.#writer.mkdirat(fd, name, 0o700), "mkdirat", path));
  }

  createFile(path: string): LibcWritableFile {
    const flags = Sys.O_WRONLY | Sys.O_CREAT | Sys.O_EXCL | Sys.O_NOFOLLOW | Sys.O_CLOEXEC;
    const fd = this.#at(
      path,
      (parent, name) => this.#check(this.#libc.openat(parent, name, flags, 0o600), "openat", path),
    );
    return new LibcWritableFile(fd, path, this.#calls);
  }

  symlink(target: string, path: string): void {
    this.#at(path, (fd, name) => this.#check(this.#writer.symlinkat(cString(target), fd, name), "symlinkat", path));
  }

  link(existing: string, path: string): void {
    const slash = existing.lastIndexOf("/");
    const from = this.#opener.open(slash < 0 ? "." : existing.slice(0, slash), Sys.O_PATH | Sys.O_DIRECTORY, "write");
    try {
      const fromName = cString(existing.slice(slash + 1));
      this.#at(path, (fd, name) => this.#check(this.#writer.linkat(from, fromName, fd, name, 0), "linkat", path));
    } finally {
      this.#libc.close(from);
    }
  }

  makeNode(path: string, node: SpecialNode): void {
    this.#at(path, (fd, name) => {
      this.#check(this.#writer.mknodat(fd, name, nodeBits[node.type] | 0o600, deviceNumber(node)), "mknodat", path);
    });
  }

  setAttributes(path: string, attributes: FileAttributes): readonly string[] {
    const stat = this.lstat(path);
    if (stat === undefined) throw osError({ action: "write", syscall: "openat2", errno: "ENOENT", path });
    if (stat.type === "file" || stat.type === "directory") return this.#setOpen(path, attributes);
    this.#at(path, (fd, name) => {
      const { owner, mode } = attributes;
      const flag = Sys.AT_SYMLINK_NOFOLLOW;
      if (owner) this.#check(this.#writer.fchownat(fd, name, owner.uid, owner.gid, flag), "fchownat", path);
      if (stat.type !== "symlink") this.#changeMode(path, mode);
      this.#check(this.#writer.utimensat(fd, name, timesOf(attributes.mtime), flag), "utimensat", path);
    });
    return [];
  }

  unlink(path: string): void {
    this.#at(path, (fd, name) => this.#check(this.#writer.unlinkat(fd, name, 0), "unlinkat", path));
  }

  writeFile(path: string, content: Uint8Array<ArrayBuffer>, attributes: FileAttributes): readonly string[] {
    using file = this.createFile(path);
    if (content.length > 0) file.write(content);
    return file.setAttributes(attributes);
  }

  setTime(path: string, { mtimeSeconds, mtimeNanos }: Pick<FileStat, "mtimeSeconds" | "mtimeNanos">): void {
    const times = timePair(BigInt(mtimeSeconds), BigInt(mtimeNanos));
    if (path === ".") this.#withOpen(path, (fd) => this.#check(this.#writer.futimens(fd, times), "futimens", path));
    else {
      this.#at(path, (fd, name) => {
        this.#check(this.#writer.utimensat(fd, name, times, Sys.AT_SYMLINK_NOFOLLOW), "utimensat", path);
      });
    }
  }

  removeAll(path: string): void {
    const stat = this.lstat(path);
    if (stat?.type === "directory") {
      using root = createLibcRoot(this.path, this.#libc);
      for (const name of root.scan(path).names) this.removeAll(`${path}/${name}`);
      this.#opener.leaveParent();
      this.#at(path, (fd, name) => this.#check(this.#writer.unlinkat(fd, name, Sys.AT_REMOVEDIR), "unlinkat", path));
    } else if (stat !== undefined) this.unlink(path);
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

  #setOpen(path: string, attributes: FileAttributes): readonly string[] {
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

  /** Runs a call on the directory that a path is in and the path's last part. */
  #at<T>(path: string, run: (parent: number, name: Uint8Array<ArrayBuffer>) => T): T {
    return run(this.#opener.openParent(path, "write"), cString(path.slice(path.lastIndexOf("/") + 1)));
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

/** The `dev_t` of Linux (glibc, `makedev`). */
function deviceNumber({ major, minor }: SpecialNode): bigint {
  const high = BigInt(major), low = BigInt(minor);
  return (low & 0xffn) | (high & 0xfffn) << 8n | (low & 0xffffff00n) << 12n | (high & 0xfffff000n) << 32n;
}
