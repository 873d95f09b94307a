import type { ByteStream, OpenContent } from "../contract/call.ts";
import type { FileContent } from "../contract/layer.ts";
import type { FileStat } from "../os/file_stat.ts";
import type { OpenFile, Root, Xattrs } from "../os/file_system.ts";
import { streamOver } from "../stream/byte_stream.ts";

/** Largest file whose bytes an entry holds itself; the contract's `FileContent` says so. */
const maxInlineBytes = 256 * 1024;
const chunkBytes = 1024 * 1024;

/** What a file holds beyond its stat. */
export interface FileFacts {
  readonly content: FileContent;
  readonly xattrs: Xattrs | undefined;
}

/** Content and extended attributes of a file that nobody writes to; the bytes at once when they are few. */
export function readFileFacts(root: Root, path: string, stat: FileStat): FileFacts {
  using file = root.open(path);
  const xattrs = file.xattrs();
  if (stat.size > maxInlineBytes) return { content: openLater(root, path), xattrs };
  const bytes = new Uint8Array(stat.size);
  for (let at = 0; at < bytes.length;) {
    const length = file.read(at === 0 ? bytes : bytes.subarray(at));
    if (length === 0) break;
    at += length;
  }
  return { content: bytes, xattrs };
}

function openLater(root: Root, path: string): OpenContent {
  // deno-lint-ignore require-await -- so that what fails rejects
  return async (offset = 0): Promise<ByteStream> => {
    const file = root.open(path);
    if (offset > 0) file.seek(offset);
    return streamOver(readAll(file), () => file[Symbol.dispose]());
  };
}

function* readAll(file: OpenFile): Generator<Uint8Array<ArrayBuffer>> {
  using _ = file;
  while (true) {
    const buffer = new Uint8Array(chunkBytes);
    const length = file.read(buffer);
    if (length === 0) return;
    yield length === chunkBytes ? buffer : buffer.subarray(0, length);
  }
}

/** Whether two files agree in kind, mode, owner, size, device number and time, to the nanosecond. */
export function isSameMeta(a: FileStat, b: FileStat): boolean {
  const isSized = a.type === "file" || a.type === "symlink";
  return a.type === b.type && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid &&
    (!isSized || a.size === b.size) && a.major === b.major && a.minor === b.minor &&
    a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanos === b.mtimeNanos;
}

/** Whether two sets of extended attributes are equal. */
export function isSameXattrs(a: Xattrs | undefined, b: Xattrs | undefined): boolean {
  const names = Object.keys(a ?? {});
  if (names.length !== Object.keys(b ?? {}).length) return false;
  return names.every((name) => isSameBytes(a?.[name], b?.[name]));
}

/** Whether a file is as the lower directories have it: everything about it, its content included. */
export function isSameFileContent(
  lower: Root,
  file: {
    readonly path: string;
    readonly stat: FileStat;
    readonly below: FileStat | undefined;
    /** Reads the file itself. */
    readonly upper: Root;
  },
): boolean {
  const { path, stat, below, upper } = file;
  if (below === undefined || !isSameMeta(stat, below)) return false;
  using there = lower.open(path);
  using here = upper.open(path);
  if (!isSameXattrs(here.xattrs(), there.xattrs())) return false;
  const [a, b] = [new Uint8Array(chunkBytes), new Uint8Array(chunkBytes)];
  while (true) {
    const [length, other] = [fill(here, a), fill(there, b)];
    if (length !== other || !isSameBytes(a.subarray(0, length), b.subarray(0, other))) return false;
    if (length < chunkBytes) return true;
  }
}

/** Reads until the buffer is full or the file ends. */
function fill(file: OpenFile, buffer: Uint8Array<ArrayBuffer>): number {
  let at = 0;
  while (at < buffer.length) {
    const length = file.read(at === 0 ? buffer : buffer.subarray(at));
    if (length === 0) break;
    at += length;
  }
  return at;
}

function isSameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
