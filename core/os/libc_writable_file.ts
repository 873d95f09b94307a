import { osError, readErrno } from "./errno.ts";
import { cString, type Libc, type LibcWriter, Sys } from "./libc.ts";
import type { FileAttributes, WritableFile } from "./root.ts";

/** The calls that writing takes. */
export interface WriteCalls {
  readonly libc: Libc;
  readonly writer: LibcWriter;
}

/**
 * Sets owner, mode, extended attributes and time of an open file, in this order. Gives the names of extended attributes that the file
 * system refused.
 */
export function setAttributes(
  fd: number,
  { path, attributes }: { readonly path: string; readonly attributes: FileAttributes },
  calls: WriteCalls,
): readonly string[] {
  const { writer } = calls;
  const { owner, mode, mtime, xattrs } = attributes;
  const check = (result: number, syscall: string): void => {
    if (result < 0) throw failure(calls, syscall, path);
  };
  if (owner) check(writer.fchown(fd, owner.uid, owner.gid), "fchown");
  check(writer.fchmod(fd, mode), "fchmod");
  const refused = xattrs === undefined
    ? []
    : Object.entries(xattrs).filter(([name, value]) => !setXattr(fd, name, { value, path, calls }));
  check(writer.futimens(fd, timesOf(mtime)), "futimens");
  return refused.map(([name]) => name);
}

function setXattr(
  fd: number,
  name: string,
  { value, path, calls }: { readonly value: Uint8Array; readonly path: string; readonly calls: WriteCalls },
): boolean {
  const bytes = value.length === 0 ? new Uint8Array(1) : Uint8Array.from(value);
  if (calls.writer.fsetxattr(fd, cString(name), bytes, BigInt(value.length), 0) === 0) return true;
  const errno = readErrno(calls.libc.errno()).name;
  if (errno === "EOPNOTSUPP" || errno === "EPERM" || errno === "ENOSPC") return false;
  throw osError({ action: "write attributes of", syscall: "fsetxattr", errno, path });
}

/** Writes bytes at the current position of an open file. */
export function writeAll(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  { path, calls }: { readonly path: string; readonly calls: WriteCalls },
): void {
  for (let at = 0; at < bytes.length;) {
    const rest = at === 0 ? bytes : bytes.subarray(at);
    const written = Number(calls.writer.write(fd, rest, BigInt(rest.length)));
    if (written < 0) throw failure(calls, "write", path);
    at += written;
  }
}

/** A file being written, by its descriptor; closed when disposed. */
export class LibcWritableFile implements WritableFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #calls: WriteCalls;
  #length = 0;
  /** Whether bytes were skipped since the last write. */
  #isBehind = false;
  #isOpen = true;

  /** Takes over a descriptor; `path` is for messages. */
  constructor(fd: number, path: string, calls: WriteCalls) {
    this.#fd = fd;
    this.#path = path;
    this.#calls = calls;
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isBehind && Number(this.#calls.libc.lseek(this.#fd, BigInt(this.#length), Sys.SEEK_SET)) < 0) {
      this.#fail("lseek");
    }
    this.#isBehind = false;
    writeAll(this.#fd, bytes, { path: this.#path, calls: this.#calls });
    this.#length += bytes.length;
  }

  skip(bytes: number): void {
    this.#length += bytes;
    this.#isBehind = true;
  }

  end(): void {
    if (this.#calls.writer.ftruncate(this.#fd, BigInt(this.#length)) !== 0) this.#fail("ftruncate");
  }

  setAttributes(attributes: FileAttributes): readonly string[] {
    return setAttributes(this.#fd, { path: this.#path, attributes }, this.#calls);
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#calls.libc.close(this.#fd);
    this.#isOpen = false;
  }

  #fail(syscall: string): never {
    throw osError({ action: "write", syscall, errno: readErrno(this.#calls.libc.errno()).name, path: this.#path });
  }
}

const times = new Int32Array(8);
const timesBytes = new Uint8Array(times.buffer);

/** Two `struct timespec`, access and modification time alike, for a time in seconds; valid until the next call. */
export function timesOf(mtime: number): Uint8Array<ArrayBuffer> {
  const seconds = Math.floor(mtime);
  const nanos = Math.round((mtime - seconds) * 1e6) * 1000;
  return timePair(seconds, Math.min(nanos, 999_999_000));
}

/** As {@linkcode timesOf} for a time in seconds and nanoseconds. */
export function timePair(seconds: number, nanos: number): Uint8Array<ArrayBuffer> {
  // Little-endian, as every machine that Deno runs on.
  times[0] = times[4] = seconds;
  times[1] = times[5] = Math.floor(seconds / 0x1_0000_0000);
  times[2] = times[6] = nanos;
  return timesBytes;
}

function failure({ libc }: WriteCalls, syscall: string, path: string): Error {
  return osError({ action: "write", syscall, errno: readErrno(libc.errno()).name, path });
}
