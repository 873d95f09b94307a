import { osError, readErrno } from "./errno.ts";
import type { FileStat } from "./file_stat.ts";
import { cString, type Libc, type LibcWriter, Sys } from "./libc.ts";
import { LibcBuffers } from "./libc_file.ts";
import { LibcOpener } from "./libc_open.ts";
import { statPath } from "./libc_root.ts";
import type { FileAttributes, RootWriter, SpecialNode, WritableFile } from "./root.ts";

const nodeBits: Readonly<Record<SpecialNode["type"], number>> = { fifo: 0o010000, char: 0o020000, block: 0o060000 };

/** Opens a directory for writing through libc. */
export function createLibcWriter(path: string, libc: Libc, writer: LibcWriter): RootWriter {
  return new LibcRootWriter(new LibcOpener(path, libc), libc, writer);
}

class LibcRootWriter implements RootWriter {
  readonly path: string;
  readonly #opener: LibcOpener;
  readonly #libc: Libc;
  readonly #writer: LibcWriter;
  readonly #buffers: LibcBuffers;

  constructor(opener: LibcOpener, libc: Libc, writer: LibcWriter) {
    this.path = opener.path;
    this.#opener = opener;
    this.#libc = libc;
    this.#writer = writer;
    this.#buffers = new LibcBuffers(libc);
  }

  lstat(path: string): FileStat | undefined {
    return statPath(this.#buffers, this.#opener, path);
  }

  makeDirectory(path: string): void {
    this.#at(path, (fd, name) => this.#check(this.#writer.mkdirat(fd, name, 0o700), "mkdirat", path));
  }

  createFile(path: string): WritableFile {
    const flags = Sys.O_WRONLY | Sys.O_CREAT | Sys.O_EXCL | Sys.O_NOFOLLOW | Sys.O_CLOEXEC;
    const fd = this.#at(
      path,
      (parent, name) => this.#check(this.#libc.openat(parent, name, flags, 0o600), "openat", path),
    );
    return new LibcWritableFile(fd, path, { libc: this.#libc, writer: this.#writer });
  }

  symlink(target: string, path: string): void {
    this.#at(path, (fd, name) => this.#check(this.#writer.symlinkat(cString(target), fd, name), "symlinkat", path));
  }

  link(existing: string, path: string): void {
    this.#at(existing, (fromFd, fromName) => {
      this.#at(path, (fd, name) => this.#check(this.#writer.linkat(fromFd, fromName, fd, name, 0), "linkat", path));
    });
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

  [Symbol.dispose](): void {
    this.#opener[Symbol.dispose]();
  }

  #setOpen(path: string, attributes: FileAttributes): string[] {
    const fd = this.#opener.open(path, Sys.O_RDONLY | Sys.O_NONBLOCK, "write");
    try {
      const { owner, mode, mtime, xattrs = {} } = attributes;
      if (owner) this.#check(this.#writer.fchown(fd, owner.uid, owner.gid), "fchown", path);
      this.#check(this.#writer.fchmod(fd, mode), "fchmod", path);
      const refused = Object.entries(xattrs).filter(([name, value]) => !this.#setXattr(fd, name, { value, path }));
      this.#check(this.#writer.futimens(fd, timesOf(mtime)), "futimens", path);
      return refused.map(([name]) => name);
    } finally {
      this.#libc.close(fd);
    }
  }

  #setXattr(fd: number, name: string, { value, path }: { value: Uint8Array; path: string }): boolean {
    const bytes = value.length === 0 ? new Uint8Array(1) : Uint8Array.from(value);
    if (this.#writer.fsetxattr(fd, cString(name), bytes, BigInt(value.length), 0) === 0) return true;
    const errno = readErrno(this.#libc.errno()).name;
    if (errno === "EOPNOTSUPP" || errno === "EPERM" || errno === "ENOSPC") return false;
    throw osError({ action: "write attributes of", syscall: "fsetxattr", errno, path });
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
    const slash = path.lastIndexOf("/");
    const parent = this.#opener.open(slash < 0 ? "." : path.slice(0, slash), Sys.O_PATH | Sys.O_DIRECTORY, "write");
    try {
      return run(parent, cString(path.slice(slash + 1)));
    } finally {
      this.#libc.close(parent);
    }
  }

  #check(result: number, syscall: string, path: string): number {
    if (result < 0) throw this.#opener.failure(syscall, path, "write");
    return result;
  }
}

class LibcWritableFile implements WritableFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #calls: { readonly libc: Libc; readonly writer: LibcWriter };
  #length = 0;
  #isOpen = true;

  constructor(fd: number, path: string, calls: { readonly libc: Libc; readonly writer: LibcWriter }) {
    this.#fd = fd;
    this.#path = path;
    this.#calls = calls;
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length;) {
      const rest = at === 0 ? bytes : bytes.subarray(at);
      const written = Number(this.#calls.writer.write(this.#fd, rest, BigInt(rest.length)));
      if (written < 0) this.#fail("write");
      at += written;
    }
    this.#length += bytes.length;
  }

  skip(bytes: number): void {
    this.#length += bytes;
    if (Number(this.#calls.libc.lseek(this.#fd, BigInt(this.#length), Sys.SEEK_SET)) < 0) this.#fail("lseek");
  }

  end(): void {
    if (this.#calls.writer.ftruncate(this.#fd, BigInt(this.#length)) !== 0) this.#fail("ftruncate");
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#calls.libc.close(this.#fd);
    this.#isOpen = false;
  }

  #fail(syscall: string): never {
    throw osError({ action: "write", syscall, errno: readErrno(this.#calls.libc.errno()).name, path: this.#path });
  }
}

/** The `dev_t` of Linux (glibc, `makedev`). */
function deviceNumber({ major, minor }: SpecialNode): bigint {
  const high = BigInt(major), low = BigInt(minor);
  return (low & 0xffn) | (high & 0xfffn) << 8n | (low & 0xffffff00n) << 12n | (high & 0xfffff000n) << 32n;
}

/** Two `struct timespec`, access and modification time alike. */
function timesOf(mtime: number): Uint8Array<ArrayBuffer> {
  const seconds = Math.floor(mtime);
  const nanos = Math.round((mtime - seconds) * 1e6) * 1000;
  const time = [BigInt(seconds), BigInt(Math.min(nanos, 999_999_000))] as const;
  return new Uint8Array(new BigInt64Array([...time, ...time]).buffer);
}
