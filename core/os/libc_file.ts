import { EngineError } from "../errors.ts";
import { osError, readErrno } from "./errno.ts";
import { copyStatx, type FileStat, readRecord, RECORD_WORDS } from "./file_stat.ts";
import { cString, type Libc, Sys } from "./libc.ts";
import { isImageXattr, type OpenFile } from "./root.ts";
import type { DirectoryXattrs, Xattrs } from "./scan.ts";

const EMPTY = new Uint8Array(64);
const MAX_LINK = 4096n;
const MAX_XATTR = 65536n;
const utf8 = new TextDecoder("utf-8", { fatal: true });

const noXattrs: DirectoryXattrs = { xattrs: undefined, others: [] };

/** Buffers that calls on open files fill and that are read before the next call; one set serves all files of a root. */
export class LibcBuffers {
  /** The calls. */
  readonly libc: Libc;
  readonly #statx = new Int32Array(64);
  readonly #statxBytes = new Uint8Array(this.#statx.buffer);
  readonly #record = new Int32Array(RECORD_WORDS);
  #names = new Uint8Array(1024);

  /** Makes buffers for calls. */
  constructor(libc: Libc) {
    this.libc = libc;
  }

  /** State of a descriptor; undefined when the call failed. */
  stat(fd: number): FileStat | undefined {
    const flags = Sys.AT_EMPTY_PATH | Sys.AT_NO_AUTOMOUNT;
    if (this.libc.statx(fd, EMPTY, flags, Sys.STATX_BASIC_STATS, this.#statxBytes) !== 0) return undefined;
    copyStatx(this.#statx, this.#record, 0);
    return readRecord(this.#record, 0);
  }

  /** Names of a descriptor's extended attributes, each followed by a NUL; undefined when the call failed. */
  xattrNames(fd: number): Uint8Array<ArrayBuffer> | undefined {
    let length = Number(this.libc.flistxattr(fd, this.#names, BigInt(this.#names.length)));
    if (length < 0 && this.#names.length < Number(MAX_XATTR) && readErrno(this.libc.errno()).name === "ERANGE") {
      this.#names = new Uint8Array(Number(MAX_XATTR));
      length = Number(this.libc.flistxattr(fd, this.#names, MAX_XATTR));
    }
    return length < 0 ? undefined : this.#names.subarray(0, length);
  }
}

/** A file descriptor; closed when disposed. */
export class LibcFile implements OpenFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #buffers: LibcBuffers;
  readonly #libc: Libc;
  #isOpen = true;

  /** Takes over a descriptor; `path` is for messages. */
  constructor(fd: number, path: string, buffers: LibcBuffers) {
    this.#fd = fd;
    this.#path = path;
    this.#buffers = buffers;
    this.#libc = buffers.libc;
  }

  stat(): FileStat {
    return this.#buffers.stat(this.#fd) ?? this.#fail("statx", "look at");
  }

  read(into: Uint8Array<ArrayBuffer>): number {
    const length = Number(this.#libc.read(this.#fd, into, BigInt(into.length)));
    return length < 0 ? this.#fail("read", "read") : length;
  }

  seek(offset: number): void {
    if (Number(this.#libc.lseek(this.#fd, BigInt(offset), Sys.SEEK_SET)) < 0) this.#fail("lseek", "read");
  }

  /** Target of the symlink this descriptor was opened on with O_PATH. */
  readLink(): string {
    const target = new Uint8Array(Number(MAX_LINK));
    const length = Number(this.#libc.readlinkat(this.#fd, EMPTY, target, MAX_LINK));
    if (length < 0) this.#fail("readlinkat", "read link");
    return this.#decode(target.subarray(0, length));
  }

  xattrs(): Xattrs | undefined {
    return this.allXattrs().xattrs;
  }

  /** Its extended attributes that belong into an image, and the names of all others. */
  allXattrs(): DirectoryXattrs {
    const names = this.#xattrNames();
    if (names.length === 0) return noXattrs;
    const kept = names.filter(isImageXattr).sort();
    return {
      xattrs: kept.length === 0 ? undefined : Object.fromEntries(kept.map((name) => [name, this.#xattr(name)])),
      others: names.filter((name) => !isImageXattr(name)),
    };
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#libc.close(this.#fd);
    this.#isOpen = false;
  }

  #xattrNames(): string[] {
    const names = this.#buffers.xattrNames(this.#fd);
    if (names !== undefined) return names.length === 0 ? [] : this.#decode(names.subarray(0, -1)).split("\0");
    if (readErrno(this.#libc.errno()).name === "EOPNOTSUPP") return [];
    return this.#fail("flistxattr", "read attributes of");
  }

  #decode(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch {
      throw new EngineError(
        "UNSUPPORTED",
        `Cannot read "${this.#path}": its link target or attribute names are not UTF-8`,
        {
          detail: { what: "file name", value: this.#path },
        },
      );
    }
  }

  #xattr(name: string): Uint8Array {
    const value = new Uint8Array(Number(MAX_XATTR));
    const length = Number(this.#libc.fgetxattr(this.#fd, cString(name), value, MAX_XATTR));
    if (length < 0) this.#fail("fgetxattr", "read attributes of");
    return value.slice(0, length);
  }

  #fail(syscall: string, action: string): never {
    throw osError({ action, syscall, errno: readErrno(this.#libc.errno()).name, path: this.#path });
  }
}
