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

/** A file somewhere, with its state. */
export interface PlacedFile {
  readonly root: Root;
  readonly path: string;
  readonly stat: FileStat;
}

/** Whether two files, neither of them a directory, agree in everything that a layer holds of them, their content included. */
export function isSameFile(a: PlacedFile, b: PlacedFile): boolean {
  if (!isSameMeta(a.stat, b.stat)) return false;
  if (a.stat.type === "symlink") return a.root.readLink(a.path) === b.root.readLink(b.path);
  return a.stat.type !== "file" || isSameContent(a, b);
}

function isSameContent(a: PlacedFile, b: PlacedFile): boolean {
  using here = a.root.open(a.path);
  using there = b.root.open(b.path);
  if (!isSameXattrs(here.xattrs(), there.xattrs())) return false;
  const size = Math.min(chunkBytes, a.stat.size + 1);
  const [x, y] = [new Uint8Array(size), new Uint8Array(size)];
  while (true) {
    const [length, other] = [fill(here, x), fill(there, y)];
    if (length !== other || !isSameBytes(x.subarray(0, length), y.subarray(0, other))) return false;
    if (length < size) return true;
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
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
