import { copyStatx, type FileStat, readRecord, RECORD_WORDS } from "./file_stat.ts";
import { errnoOf, osError } from "./errno.ts";
import { createNameBuffer, type Libc, Sys } from "./libc.ts";
import { LibcOpener } from "./libc_open.ts";
import { LibcBuffers, LibcFile } from "./libc_file.ts";
import type { Root } from "./root.ts";
import { notUtf8, type Scan, ScanBuilder } from "./scan.ts";

const DENTS_BYTES = 64 * 1024;
const NOT_FOLLOWED = Sys.AT_SYMLINK_NOFOLLOW | Sys.AT_NO_AUTOMOUNT;

/** Opens a directory for reading through libc; the last argument is for tests of what older kernels need. */
export function createLibcRoot(path: string, libc: Libc, useOpenat2 = true): Root {
  const opener = new LibcOpener(path, libc, useOpenat2);
  const buffers = new LibcBuffers(libc);
  const scanner = new DirectoryScanner(buffers, opener);
  const reader = new FileOpener(opener);
  return {
    path: opener.path,
    lstat: (at) => statPath(buffers, opener, at),
    lstatNear: (at) => scanner.lstatNear(at),
    scan: (at) => scanner.scan(at),
    readLink: (at) => readLinkPath(buffers, opener, at),
    open: (at) => new LibcFile(reader.open(at), at, buffers),
    [Symbol.dispose]: () => opener[Symbol.dispose](),
  };
}

/** Opens files for reading. */
class FileOpener {
  readonly #opener: LibcOpener;
  #isQuiet = true;

  constructor(opener: LibcOpener) {
    this.#opener = opener;
  }

  open(path: string): number {
    // O_NONBLOCK: what was a file a moment ago may be a fifo now, whose open would wait for a writer.
    const flags = Sys.O_RDONLY | Sys.O_NONBLOCK;
    if (!this.#isQuiet) return this.#opener.openNear(path, flags, "open");
    try {
      // A read that leaves no mark spares the file system a write; only the owner of a file may ask for that.
      return this.#opener.openNear(path, flags | Sys.O_NOATIME, "open");
    } catch (error) {
      if (errnoOf(error) !== "EPERM") throw error;
      this.#isQuiet = false;
      return this.#opener.openNear(path, flags, "open");
    }
  }
}

/** State of a path below an opened root; undefined when absent. */
export function statPath(buffers: LibcBuffers, opener: LibcOpener, path: string): FileStat | undefined {
  const fd = opener.find(path, Sys.O_PATH, "look at");
  if (fd === undefined) return undefined;
  using file = new LibcFile(fd, path, buffers);
  return file.stat();
}

function readLinkPath(buffers: LibcBuffers, opener: LibcOpener, path: string): string {
  using file = new LibcFile(opener.open(path, Sys.O_PATH, "read link"), path, buffers);
  return file.readLink();
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const latin1 = new TextDecoder("latin1");

/** Lists directories; keeps the buffers that every listing uses. */
class DirectoryScanner {
  readonly #buffers: LibcBuffers;
  readonly #libc: Libc;
  readonly #opener: LibcOpener;
  readonly #dents = new Uint8Array(DENTS_BYTES);
  readonly #name = new Uint8Array(256);
  readonly #nameOf = createNameBuffer();
  readonly #record = new Int32Array(RECORD_WORDS);
  readonly #statx = new Int32Array(64);
  readonly #statxBytes = new Uint8Array(this.#statx.buffer);

  constructor(buffers: LibcBuffers, opener: LibcOpener) {
    this.#buffers = buffers;
    this.#libc = buffers.libc;
    this.#opener = opener;
  }

  lstatNear(path: string): FileStat | undefined {
    const parent = this.#opener.openParent(path, "look at");
    const name = this.#nameOf(path);
    if (name === undefined) throw osError({ action: "look at", syscall: "statx", errno: "ENAMETOOLONG", path });
    if (this.#libc.statx(parent, name, NOT_FOLLOWED, Sys.STATX_BASIC_STATS, this.#statxBytes) !== 0) {
      if (this.#libc.errno() === 2) return undefined;
      throw this.#opener.failure("statx", path, "look at");
    }
    copyStatx(this.#statx, this.#record, 0);
    return readRecord(this.#record, 0);
  }

  scan(path: string): Scan {
    const fd = this.#opener.open(path, Sys.O_RDONLY | Sys.O_DIRECTORY, "read directory");
    using file = new LibcFile(fd, path, this.#buffers);
    const builder = new ScanBuilder();
    for (;;) {
      const length = Number(this.#libc.getdents64(fd, this.#dents, BigInt(DENTS_BYTES)));
      if (length < 0) throw this.#opener.failure("getdents64", path, "read directory");
      if (length === 0) return builder.finish(file.allXattrs());
      this.#addBlock(fd, length, { path, builder });
    }
  }

  /**
   * Adds the entries of one `getdents64` block: `struct linux_dirent64`, its length at 16, its NUL-terminated name from
   * 19 on.
   */
  #addBlock(fd: number, length: number, into: { readonly path: string; readonly builder: ScanBuilder }): void {
    const dents = this.#dents;
    // One decoding for the whole block: a name of ASCII bytes only is then a slice of it.
    const text = latin1.decode(dents.subarray(0, length));
    for (let at = 0; at < length;) {
      const start = at + 19;
      const end = this.#copyName(start);
      at += (dents[at + 16] ?? 0) | (dents[at + 17] ?? 0) << 8;
      const size = Math.abs(end) - start;
      if (dents[start] === 0x2e && (size === 1 || (size === 2 && dents[start + 1] === 0x2e))) continue;
      const name = end > 0 ? text.slice(start, end) : decodeName(dents.subarray(start, -end), into.path);
      this.#addEntry(fd, name, into);
    }
  }

  /** Copies a name to where `statx` reads it; gives its end, negative when it has bytes beyond ASCII. */
  #copyName(start: number): number {
    const dents = this.#dents;
    const name = this.#name;
    let bits = 0;
    let at = start;
    for (let byte = dents[at] ?? 0; byte !== 0; byte = dents[++at] ?? 0) {
      name[at - start] = byte;
      bits |= byte;
    }
    name[at - start] = 0;
    return bits > 0x7f ? -at : at;
  }

  #addEntry(fd: number, name: string, into: { readonly path: string; readonly builder: ScanBuilder }): void {
    if (this.#libc.statx(fd, this.#name, NOT_FOLLOWED, Sys.STATX_BASIC_STATS, this.#statxBytes) !== 0) {
      if (this.#libc.errno() === 2) return; // gone since it was listed
      throw this.#opener.failure("statx", into.path === "." ? name : `${into.path}/${name}`, "look at");
    }
    const to = into.builder.add(name);
    copyStatx(this.#statx, into.builder.records, to);
  }
}

function decodeName(bytes: Uint8Array, directory: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw notUtf8(directory, bytes);
  }
}
