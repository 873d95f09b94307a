import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import type { Store } from "../contract/store.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { MediaType } from "../oci/media_type.ts";
import type { TarEntry } from "../tar/tar_entry.ts";
import { observeTar, type TarObserver } from "../tar/write.ts";
import { ContentDigest } from "./content_digest.ts";
import { EntryCheck } from "./entry_check.ts";
import { type IndexEntry, type LayerIndex, LayerIndexBuilder } from "./layer_index.ts";
import { readMark, writeMark } from "./whiteout.ts";

/** Where a layer goes and what its times are. */
export interface PackOptions {
  /** Where the tar is written. */
  readonly store: Pick<Store, "ingest">;
  /** Times newer than this become this; seconds since the Unix epoch. */
  readonly sourceDateEpoch?: number;
}

/** A layer in the store. */
export interface PackedLayer {
  /** The layer as stored: an uncompressed tar. */
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** What is in it. */
  readonly index: LayerIndex;
}

/**
 * Writes changes as a layer, in their order: one pass that packs, hashes and stores, and makes the table of contents.
 * Modification times are cut down to whole seconds. Equal entries give the same digest. Rejects `INVALID_ARGUMENT` for
 * entries that break the contract (a path twice, a child before its parent, a hard link before its target, a `.wh.` name,
 * a path that is not normalized), `CONTENT_MISMATCH` for content that is not as long as said, `CANCELED`, and what
 * the entries or the store reject with.
 */
export async function packLayer(
  entries: AsyncIterable<LayerEntry>,
  options: PackOptions,
  call: Call,
): Promise<PackedLayer> {
  const recorder = new Recorder();
  const tar = observeTar(prepare(entries, options.sourceDateEpoch), recorder, call);
  const descriptor = await options.store.ingest(tar, MediaType.layer, call);
  return { descriptor, diffId: descriptor.digest, index: recorder.result() };
}

async function* prepare(
  entries: AsyncIterable<LayerEntry>,
  sourceDateEpoch: number | undefined,
): AsyncGenerator<TarEntry> {
  const check = new EntryCheck();
  for await (const entry of entries) {
    check.add(entry);
    if (entry.type === "whiteout" || entry.type === "opaque") yield writeMark(entry);
    else yield { ...entry, mtime: Math.min(Math.floor(entry.mtime), sourceDateEpoch ?? Infinity) };
  }
}

/** Makes the table of contents of a tar while it is written. */
class Recorder implements TarObserver {
  readonly #builder = new LayerIndexBuilder();
  readonly #content = new ContentDigest();
  #offset = 0;

  entry(entry: TarEntry, offset: number): void {
    this.#offset = offset;
    if (entry.type === "file") this.#content.begin(entry.size);
  }

  data(bytes: Uint8Array): void {
    this.#content.update(bytes);
  }

  done(entry: TarEntry): void {
    const mark = readMark(entry.path);
    if (mark !== "skip") this.#builder.add(mark ?? this.#indexEntry(entry));
  }

  result(): LayerIndex {
    return this.#builder.result();
  }

  #indexEntry(entry: TarEntry): IndexEntry {
    if (entry.type !== "file") return entry;
    const { content: _, ...facts } = entry;
    return { ...facts, offset: this.#offset, digest: this.#content.digest() };
  }
}
