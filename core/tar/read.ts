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
  for await (const batch of readTarBatches(stream, call)) for (const entry of batch) yield entry;
}

/**
 * As {@linkcode readTar}, some entries at a time, those that came together: for whoever would spend more on waiting for each. One whose
 * content has to be opened is the last of its batch.
 */
export async function* readTarBatches(
  stream: ByteStream,
  call: Call,
): AsyncGenerator<readonly LayerEntry[], void, undefined> {
  const items = new ItemReader(stream, call);
  const gathering = new Gathering();
  let batch: LayerEntry[] = [];
  try {
    while (true) {
      const item = items.tryNext();
      if (item === undefined || item instanceof Failure) {
        if (batch.length > 0) yield batch;
        batch = [];
        if (item !== undefined) throw item.reason;
        if (!await items.feed()) break;
      } else if (item instanceof Uint8Array) {
        const entry = gathering.add(item);
        if (entry !== undefined) batch.push(entry);
      } else if (item.type === "file" && item.size > smallFileBytes) {
        const content = new Content(item, items);
        batch.push(toEntry(item, content.open));
        yield batch;
        batch = [];
        content.close();
      } else if (item.type === "file" && item.size > 0) gathering.begin(item);
      else batch.push(toEntry(item, noContent));
    }
    await items.drain();
  } finally {
    await items.close();
  }
}

const noContent = new Uint8Array(0);

/** Puts the content of a small file together. */
class Gathering {
  #header: TarHeader | undefined;
  #whole: Bytes | undefined;
  #filled = 0;

  begin(header: TarHeader): void {
    this.#header = header;
  }

  /** Takes the next piece of a content; gives the entry when that is all of it. Pieces of contents that were not begun are left out. */
  add(piece: Bytes): LayerEntry | undefined {
    const header = this.#header;
    if (header === undefined) return undefined;
    if (piece.length === header.size) return this.#end(header, piece);
    this.#whole ??= new Uint8Array(header.size);
    this.#whole.set(piece, this.#filled);
    this.#filled += piece.length;
    return this.#filled === header.size ? this.#end(header, this.#whole) : undefined;
  }

  #end(header: TarHeader, content: Bytes): LayerEntry {
    this.#header = this.#whole = undefined;
    this.#filled = 0;
    return toEntry(header, content);
  }
}

/** What the parser threw. */
class Failure {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
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

  /** As `next`; what it throws is given, so that the entries before it can be given first. */
  tryNext(): TarHeader | Bytes | Failure | undefined {
    try {
      return this.#parser.next();
    } catch (reason) {
      return new Failure(reason);
    }
  }

  async wait(): Promise<TarHeader | Bytes | undefined> {
    while (await this.feed()) {
      const item = this.#parser.next();
      if (item !== undefined) return item;
    }
    return undefined;
  }

  /** Gives the parser the next chunk; false when the archive has ended. */
  async feed(): Promise<boolean> {
    if (this.#parser.isEnded) return false;
    throwIfAborted(this.#signal);
    const chunk = await this.#chunks.next();
    throwIfAborted(this.#signal);
    if (chunk.done) this.#parser.end();
    else this.#parser.push(chunk.value);
    return true;
  }

  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
    throwIfAborted(this.#signal);
  }

  async close(): Promise<void> {
    await this.#chunks.return();
  }
}

/** Content of a large entry that the archive stands at. */
class Content {
  readonly #header: TarHeader;
  readonly #items: ItemReader;
  #state: "fresh" | "opened" | "past" = "fresh";

  constructor(header: TarHeader, items: ItemReader) {
    this.#header = header;
    this.#items = items;
  }

  /** Tells that the archive has gone on. */
  close(): void {
    this.#state = "past";
  }

  /** Gives the content to a reader. */
  readonly open: OpenContent = (offset = 0) => {
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

function toEntry(header: TarHeader, content: FileContent): LayerEntry {
  const { path, mode, uid, gid, mtime } = header;
  const meta = header.xattrs === undefined
    ? { path, mode, uid, gid, mtime }
    : { path, mode, uid, gid, mtime, xattrs: header.xattrs };
  switch (header.type) {
    case "file":
      return { ...meta, type: "file", size: header.size, content };
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
