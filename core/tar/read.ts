import type { ByteStream, Call, OpenContent } from "../contract/call.ts";
import type { FileContent, LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readChunks, streamFrom } from "../stream/byte_stream.ts";
import type { TarHeader } from "./header.ts";
import { TarParser } from "./parser.ts";

/** Contents up to this many bytes are given in memory. */
export const smallFileBytes = 256 << 10;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The entries of a plain tar in archive order. Paths and hard link targets are normalized (`.` for the root); whiteout
 * names are not interpreted, and a path may come more than once. Contents of at most 256 KiB are given in memory and must
 * not be changed or transferred; a larger one can be opened once, before the next entry is asked for. Bytes after the
 * archive's end are read and left out. Rejects `INVALID_ARGUMENT` for a damaged archive, `UNSUPPORTED` for what strata does
 * not take, e.g. names that are not UTF-8, and `CANCELED`.
 */
export async function* readTar(stream: ByteStream, call: Call): AsyncGenerator<LayerEntry, void, undefined> {
  const items = new ItemReader(stream, call);
  try {
    while (true) {
      const item = items.next() ?? await items.wait();
      if (item === undefined) break;
      if (item instanceof Uint8Array) continue;
      const content = item.type === "file" ? new Content(item, items) : undefined;
      yield toEntry(item, content === undefined ? undefined : await content.take());
      content?.close();
    }
    await items.drain();
  } finally {
    await items.close();
  }
}

/** Feeds a parser from a stream. */
class ItemReader {
  readonly #parser = new TarParser();
  readonly #chunks: AsyncGenerator<Bytes, void>;
  readonly #signal: AbortSignal;

  constructor(stream: ByteStream, call: Call) {
    this.#chunks = readChunks(stream, call.signal);
    this.#signal = call.signal;
  }

  next(): TarHeader | Bytes | undefined {
    return this.#parser.next();
  }

  async wait(): Promise<TarHeader | Bytes | undefined> {
    while (!this.#parser.isEnded) {
      await this.#feed();
      const item = this.#parser.next();
      if (item !== undefined) return item;
    }
    return undefined;
  }

  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
    throwIfAborted(this.#signal);
  }

  async close(): Promise<void> {
    await this.#chunks.return();
  }

  async #feed(): Promise<void> {
    throwIfAborted(this.#signal);
    const chunk = await this.#chunks.next();
    throwIfAborted(this.#signal);
    if (chunk.done) this.#parser.end();
    else this.#parser.push(chunk.value);
  }
}

/** Content of the entry that the archive stands at. */
class Content {
  readonly #header: TarHeader;
  readonly #items: ItemReader;
  #state: "fresh" | "opened" | "past" = "fresh";

  constructor(header: TarHeader, items: ItemReader) {
    this.#header = header;
    this.#items = items;
  }

  /** The content in the form it is given to a reader. */
  take(): FileContent | Promise<FileContent> {
    return this.#header.size <= smallFileBytes ? this.#gather() : this.#open;
  }

  /** Tells that the archive has gone on. */
  close(): void {
    this.#state = "past";
  }

  async #gather(): Promise<Bytes> {
    const { size } = this.#header;
    let whole: Bytes | undefined;
    for (let filled = 0; filled < size;) {
      const piece = await this.#piece();
      if (piece.length === size) return piece;
      whole ??= new Uint8Array(size);
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole ?? new Uint8Array(0);
  }

  readonly #open: OpenContent = (offset = 0) => {
    if (this.#state !== "fresh") return Promise.reject(this.#gone());
    this.#state = "opened";
    return Promise.resolve(streamFrom(this.#pieces(offset)));
  };

  async *#pieces(offset: number): AsyncGenerator<Bytes> {
    for (let at = 0; at < this.#header.size;) {
      if (this.#state === "past") throw this.#gone();
      const piece = await this.#piece();
      const skipped = Math.max(0, Math.min(piece.length, offset - at));
      at += piece.length;
      if (skipped < piece.length) yield piece.subarray(skipped);
    }
  }

  async #piece(): Promise<Bytes> {
    const item = this.#items.next() ?? await this.#items.wait();
    if (item instanceof Uint8Array) return item;
    throw new EngineError("INTERNAL", `Cannot read tar entry "${this.#header.path}": its content ended early`);
  }

  #gone(): EngineError {
    return new EngineError(
      "UNSUPPORTED",
      `Cannot open tar entry "${this.#header.path}": an archive is read once, in order`,
      {
        detail: { what: "reading an archive's entry again" },
      },
    );
  }
}

function toEntry(header: TarHeader, content: FileContent | undefined): LayerEntry {
  const { path, mode, uid, gid, mtime } = header;
  const meta = header.xattrs === undefined
    ? { path, mode, uid, gid, mtime }
    : { path, mode, uid, gid, mtime, xattrs: header.xattrs };
  switch (header.type) {
    case "file":
      return { ...meta, type: "file", size: header.size, content: content ?? new Uint8Array(0) };
    case "symlink":
    case "hardlink":
      return { ...meta, type: header.type, target: header.target };
    case "char":
    case "block":
      return { ...meta, type: header.type, major: header.major, minor: header.minor };
    default:
      return { ...meta, type: header.type };
  }
}
