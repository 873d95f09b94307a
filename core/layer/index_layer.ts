import type { ByteStream, Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readChunks } from "../stream/byte_stream.ts";
import { type Compression, decompress } from "../stream/compression.ts";
import { createHasher } from "../stream/hash_stream.ts";
import { verifyStream } from "../stream/verify_stream.ts";
import type { TarHeader } from "../tar/header.ts";
import { TarParser } from "../tar/parser.ts";
import { ContentDigest } from "./content_digest.ts";
import { type IndexEntry, type LayerIndex, LayerIndexBuilder } from "./layer_index.ts";
import { readMark } from "./whiteout.ts";

/** What one pass over a layer tells. */
export interface IndexedLayer {
  /** sha256 of the uncompressed tar. */
  readonly diffId: Digest;
  /** Length of the uncompressed tar in bytes. */
  readonly size: number;
  /** How the layer is compressed. */
  readonly compression: Compression;
  /** What is in it. */
  readonly index: LayerIndex;
}

/** Most entries that the table of one layer may have. */
const maxEntries = 5_000_000;
/** Most characters that the names in the table of one layer may have together. */
const maxNameLength = 1 << 29;

/** A few bytes can tell of a file with terabytes of holes; after so much work others get their turn, so that it can be stopped. */
const itemsPerTask = 16_384;
const bytesPerItem = 64 << 10;

/**
 * Reads a layer once, whatever its compression: checks it against its descriptor, and gives its diffID and table of contents.
 * Rejects `CONTENT_MISMATCH` for wrong bytes, `INVALID_ARGUMENT` for a damaged archive or more than 5 million entries,
 * `UNSUPPORTED` for names that are not UTF-8 and the like, `CANCELED`. The size of what comes out of a compressed layer has no
 * bound: nothing of it is kept.
 */
export async function indexLayer(stream: ByteStream, descriptor: Descriptor, call: Call): Promise<IndexedLayer> {
  return await readThrough(verifyStream(stream, descriptor), readMark, call);
}

/** As {@linkcode indexLayer} for an archive that is no layer: names of the form `.wh.…` mean nothing in it. */
export async function indexArchive(stream: ByteStream, descriptor: Descriptor, call: Call): Promise<IndexedLayer> {
  return await readThrough(verifyStream(stream, descriptor), () => undefined, call);
}

async function readThrough(stream: ByteStream, markOf: typeof readMark, call: Call): Promise<IndexedLayer> {
  const { compression, stream: plain } = await decompress(stream);
  const hasher = createHasher();
  const indexing = new Indexing(markOf);
  for await (const chunk of readChunks(plain, call.signal)) {
    throwIfAborted(call.signal);
    hasher.update(chunk);
    await indexing.push(chunk, call.signal);
  }
  throwIfAborted(call.signal);
  return { diffId: hasher.digest(), size: hasher.size, compression, index: await indexing.end(call.signal) };
}

/** Turns the chunks of a tar into a table of contents. */
class Indexing {
  readonly #parser = new TarParser();
  readonly #builder = new LayerIndexBuilder();
  readonly #content = new ContentDigest();
  #file: TarHeader | undefined;
  #left = 0;
  #entries = 0;
  #nameLength = 0;
  #items = 0;
  /** What a path says about the layers below. */
  readonly #markOf: typeof readMark;

  constructor(markOf: typeof readMark) {
    this.#markOf = markOf;
  }

  async push(chunk: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    if (this.#parser.isEnded) return;
    this.#parser.push(chunk);
    await this.#drain(signal);
  }

  async end(signal: AbortSignal): Promise<LayerIndex> {
    this.#parser.end();
    await this.#drain(signal);
    return this.#builder.result();
  }

  async #drain(signal: AbortSignal): Promise<void> {
    for (let item = this.#parser.next(); item !== undefined; item = this.#parser.next()) {
      if (item instanceof Uint8Array) this.#update(item);
      else this.#add(item);
      this.#items += item instanceof Uint8Array ? 1 + item.length / bytesPerItem : 1;
      if (this.#items < itemsPerTask) continue;
      this.#items = 0;
      await nextTask(signal);
    }
  }

  #add(header: TarHeader): void {
    this.#entries++;
    this.#nameLength += header.path.length + header.target.length;
    if (this.#entries > maxEntries || this.#nameLength > maxNameLength) {
      throw new EngineError(
        "INVALID_ARGUMENT",
        `Cannot read layer: it has more than ${maxEntries} entries or too long names`,
      );
    }
    if (header.type !== "file") return this.#finish(header);
    this.#file = header;
    this.#left = header.size;
    this.#content.begin(header.size);
    if (header.size === 0) this.#finish(header);
  }

  #update(bytes: Uint8Array): void {
    this.#content.update(bytes);
    this.#left -= bytes.length;
    if (this.#left === 0 && this.#file !== undefined) this.#finish(this.#file);
  }

  #finish(header: TarHeader): void {
    this.#file = undefined;
    const mark = this.#markOf(header.path);
    if (mark === "skip") return;
    this.#builder.add(mark ?? toIndexEntry(header, this.#content));
  }
}

async function nextTask(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  throwIfAborted(signal);
}

function toIndexEntry(header: TarHeader, content: ContentDigest): IndexEntry {
  const { path, mode, uid, gid, mtime, xattrs, sparse } = header;
  const meta = { path, mode, uid, gid, mtime, ...(xattrs === undefined ? undefined : { xattrs }) };
  switch (header.type) {
    case "file": {
      const { size, offset } = header;
      const facts = { ...meta, type: "file", size, offset, digest: content.digest() } as const;
      return sparse === undefined ? facts : { ...facts, sparse };
    }
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
