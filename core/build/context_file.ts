import type { ByteStream, OpenContent } from "../contract/call.ts";
import type { EntryMeta, LayerEntry } from "../contract/layer.ts";
import type { Digest } from "../oci/descriptor.ts";
import { type FileStat, isUnchanged, mtimeOf } from "../os/file_stat.ts";
import type { OpenFile, Root, Xattrs } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { streamOver } from "../stream/byte_stream.ts";
import { createHasher, hashBytes } from "../stream/hash_stream.ts";
import { contextChanged, readingContext } from "./context_error.ts";

/** Largest file whose bytes an entry holds itself; the contract's `FileContent` says so. */
const MAX_INLINE_BYTES = 256 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Bytes read after which the event loop has its turn; a whole number of chunks. */
export const TURN_BYTES = 32 * CHUNK_BYTES;
/** Bytes that are kept of files that were read for a digest, so that a build that then packs them reads them once. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
const none: Xattrs = {};

/** What a file holds beyond its stat. */
export interface FileFacts {
  /** Digest of its bytes. */
  readonly digest: Digest;
  /** Its extended attributes; undefined when it has none. */
  readonly xattrs: Xattrs | undefined;
}

interface Loaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly xattrs: Xattrs | undefined;
}

/** How entries show what the file system has. */
export interface FileOptions {
  /**
   * Time of every entry in seconds since the Unix epoch, with which files show as 0755 when they are executable and as
   * 0644 else: for a checkout, whose times and modes are this host's. Undefined shows each file's own.
   */
  readonly checkedOutAt?: number | undefined;
}

/**
 * Reads files of a context that were seen before. Every read ends with a look at the open file: unless it is the one
 * that was seen, in the same state, the bytes are not used and the call throws `CONFLICT`.
 */
export class ContextFiles {
  readonly #root: Root;
  readonly #options: FileOptions;
  readonly #kept = new Map<string, Loaded & { readonly stat: FileStat }>();
  #keptBytes = 0;
  #scratch: Uint8Array<ArrayBuffer> | undefined;

  /** Reads below a root. */
  constructor(root: Root, options: FileOptions = {}) {
    this.#root = root;
    this.#options = options;
  }

  /**
   * The entry for a file that was seen. Its owner is 0:0, whoever owns the file here (behaves as BuildKit's client).
   * Content and extended attributes are read when they are asked for. Undefined for a socket.
   */
  entry(path: string, stat: FileStat): LayerEntry | undefined {
    const meta = this.#meta(path, stat);
    switch (stat.type) {
      case "file":
        return this.#fileEntry(meta, stat);
      case "directory":
        return path === "." ? rootEntry(meta.mtime) : this.#directoryEntry(meta);
      case "symlink":
        return { ...meta, mode: 0o777, type: "symlink", target: this.readLink(path) };
      case "fifo":
        return { ...meta, type: "fifo" };
      case "char":
      case "block":
        return { ...meta, type: stat.type, major: stat.major, minor: stat.minor };
      case "socket":
        return undefined;
    }
  }

  /** The entry for a later name of a file; `first` is the path that came before. */
  linkEntry(path: string, stat: FileStat, first: string): LayerEntry {
    return { ...this.#meta(path, stat), type: "hardlink", target: first };
  }

  /** The entry for a file whose extended attributes are known already. */
  knownEntry(path: string, stat: FileStat, { xattrs }: FileFacts): LayerEntry {
    const meta = this.#meta(path, stat);
    const known = xattrs === undefined ? meta : { ...meta, xattrs };
    return { ...known, type: "file", size: stat.size, content: this.open(path, stat) };
  }

  /** The entry for a directory whose extended attributes are known already. */
  knownDirectory(path: string, stat: FileStat, xattrs: Xattrs | undefined): LayerEntry {
    const meta = this.#meta(path, stat);
    return { ...meta, type: "directory", ...(xattrs === undefined ? undefined : { xattrs }) };
  }

  /** Target of a symlink that was seen. */
  readLink(path: string): string {
    return readingContext(path, () => this.#root.readLink(path));
  }

  /**
   * Digest and extended attributes of a file that was seen: at once for a small one, whose bytes are kept for
   * {@linkcode entry} while there is room; in turns with the event loop for a large one.
   */
  hash(path: string, stat: FileStat, signal: AbortSignal): FileFacts | Promise<FileFacts> {
    if (stat.size > MAX_INLINE_BYTES) return this.#hashLarge(path, stat, signal);
    const kept = this.#take(path, stat);
    if (kept === undefined && this.#keptBytes + stat.size > MAX_KEPT_BYTES) {
      this.#scratch ??= new Uint8Array(MAX_INLINE_BYTES);
      const { bytes, xattrs } = this.#load(path, stat, this.#scratch.subarray(0, stat.size));
      return { digest: hashBytes(bytes), xattrs };
    }
    const loaded = kept ?? this.#load(path, stat);
    this.#kept.set(path, { ...loaded, stat });
    this.#keptBytes += stat.size;
    return { digest: hashBytes(loaded.bytes), xattrs: loaded.xattrs };
  }

  /** Bytes of a file that was seen, from an offset. */
  open(path: string, stat: FileStat): OpenContent {
    // deno-lint-ignore require-await -- so that what fails rejects
    return async (offset = 0): Promise<ByteStream> => {
      const file = this.#openSeen(path, stat);
      if (offset > 0) file.seek(offset);
      const chunks = readFile(file, { path, stat, offset: Math.min(offset, stat.size) });
      return streamOver(chunks, () => file[Symbol.dispose]());
    };
  }

  #meta(path: string, stat: FileStat): EntryMeta {
    const { checkedOutAt } = this.#options;
    if (checkedOutAt === undefined) return { path, mode: stat.mode, uid: 0, gid: 0, mtime: mtimeOf(stat) };
    const isExecutable = stat.type === "directory" || (stat.mode & 0o100) !== 0;
    return { path, mode: isExecutable ? 0o755 : 0o644, uid: 0, gid: 0, mtime: checkedOutAt };
  }

  #fileEntry(meta: EntryMeta, stat: FileStat): LayerEntry {
    const { path } = meta;
    let loaded: Loaded | undefined;
    const load = (): Loaded => loaded ??= this.#take(path, stat) ?? this.#load(path, stat);
    const xattrsOf = (): Xattrs => (stat.size > MAX_INLINE_BYTES ? this.#xattrs(path, stat) : load().xattrs) ?? none;
    const contentOf = (): Uint8Array<ArrayBuffer> | OpenContent => {
      if (stat.size > MAX_INLINE_BYTES) return this.open(path, stat);
      const { bytes } = load();
      loaded = undefined; // the bytes are the caller's now; another look reads them again
      return bytes;
    };
    return {
      ...meta,
      type: "file",
      size: stat.size,
      get xattrs(): Xattrs {
        return xattrsOf();
      },
      get content(): Uint8Array<ArrayBuffer> | OpenContent {
        return contentOf();
      },
    };
  }

  #directoryEntry(meta: EntryMeta): LayerEntry {
    const xattrsOf = (): Xattrs => this.#directoryXattrs(meta.path) ?? none;
    return {
      ...meta,
      type: "directory",
      get xattrs(): Xattrs {
        return xattrsOf();
      },
    };
  }

  #directoryXattrs(path: string): Xattrs | undefined {
    return readingContext(path, () => {
      using directory = this.#root.open(path);
      if (directory.stat().type !== "directory") throw contextChanged(path, "it changed");
      return directory.xattrs();
    });
  }

  #take(path: string, stat: FileStat): Loaded | undefined {
    const kept = this.#kept.get(path);
    if (kept === undefined) return undefined;
    this.#kept.delete(path);
    this.#keptBytes -= kept.stat.size;
    return isUnchanged(kept.stat, stat) ? kept : undefined;
  }

  #load(path: string, stat: FileStat, bytes = new Uint8Array(stat.size)): Loaded {
    return readingContext(path, () => {
      using file = this.#root.open(path);
      const length = fill(file, bytes);
      const xattrs = file.xattrs();
      if (length !== stat.size || !isUnchanged(stat, file.stat())) throw contextChanged(path, "it changed");
      return { bytes, xattrs };
    });
  }

  #xattrs(path: string, stat: FileStat): Xattrs | undefined {
    using file = this.#openSeen(path, stat);
    return readingContext(path, () => file.xattrs());
  }

  async #hashLarge(path: string, stat: FileStat, signal: AbortSignal): Promise<FileFacts> {
    const hasher = createHasher();
    const file = this.#openSeen(path, stat);
    const xattrs = readingContext(path, () => file.xattrs());
    for (const chunk of readFile(file, { path, stat, offset: 0, reuse: true })) {
      hasher.update(chunk);
      if (hasher.size % TURN_BYTES === 0) await takeTurn(signal);
    }
    return { digest: hasher.digest(), xattrs };
  }

  #openSeen(path: string, stat: FileStat): OpenFile {
    return readingContext(path, () => {
      const file = this.#root.open(path);
      if (isUnchanged(stat, file.stat())) return file;
      file[Symbol.dispose]();
      throw contextChanged(path, "it changed");
    });
  }
}

/** Lets the event loop run what waits, as reading blocks it; then throws `CANCELED` when the signal has aborted. */
export async function takeTurn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  throwIfAborted(signal);
}

/**
 * The root of a context: mode and attributes of the directory that happens to hold the files are not part of what is
 * built.
 */
function rootEntry(mtime: number): LayerEntry {
  return { path: ".", mode: 0o755, uid: 0, gid: 0, mtime, type: "directory" };
}

interface ReadOptions {
  readonly path: string;
  readonly stat: FileStat;
  readonly offset: number;
  /** Whether each chunk may use the bytes of the one before. */
  readonly reuse?: boolean;
}

/** Chunks of an open file up to the size it was seen with; closes it. */
function* readFile(file: OpenFile, options: ReadOptions): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { path, stat, reuse = false } = options;
  using open = file;
  const reused = reuse ? new Uint8Array(CHUNK_BYTES) : undefined;
  for (let at = options.offset; at < stat.size;) {
    const wanted = Math.min(CHUNK_BYTES, stat.size - at);
    const bytes = reused?.subarray(0, wanted) ?? new Uint8Array(wanted);
    if (readingContext(path, () => fill(open, bytes)) !== wanted) throw contextChanged(path, "it changed");
    at += wanted;
    // Looked at before the last chunk is given away: whoever has read to the end has read what was seen.
    if (at === stat.size && !isUnchanged(stat, open.stat())) throw contextChanged(path, "it changed");
    yield bytes;
  }
}

/** Reads until the bytes are full or the file ends; returns how many there were. */
function fill(file: OpenFile, bytes: Uint8Array<ArrayBuffer>): number {
  let at = 0;
  while (at < bytes.length) {
    const length = file.read(at === 0 ? bytes : bytes.subarray(at));
    if (length === 0) break;
    at += length;
  }
  return at;
}
