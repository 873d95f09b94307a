import type { LayerEntry } from "../../core/contract/layer.ts";
import type { Descriptor } from "../../core/oci/descriptor.ts";
import { packLayer } from "../../core/layer/pack.ts";
import type { OpenLayer, TreeLayer } from "../../core/layer/merged_tree.ts";
import { streamOf } from "../../core/stream/byte_stream.ts";
import { collect } from "../../core/stream/collect.ts";
import { createHasher } from "../../core/stream/hash_stream.ts";
import { createTestCall } from "./build_fixture.ts";

const call = createTestCall();
const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
type Facts = Partial<{ mode: number; uid: number; gid: number; mtime: number; xattrs: Record<string, Uint8Array> }>;

/** A regular file with a text in it. */
export function textFile(path: string, text = "", facts: Facts = {}): LayerEntry & { readonly type: "file" } {
  const content = new TextEncoder().encode(text);
  return { ...meta, ...facts, type: "file", path, size: content.length, content };
}

/** A directory. */
export function directory(path: string, facts: Facts = {}): LayerEntry {
  return { ...meta, mode: 0o755, ...facts, type: "directory", path };
}

/** A symbolic link. */
export function symlink(path: string, target: string): LayerEntry {
  return { ...meta, mode: 0o777, type: "symlink", path, target };
}

/** A hard link. */
export function hardlink(path: string, target: string): LayerEntry {
  return { ...meta, type: "hardlink", path, target };
}

/** Something that hides what is below. */
export function mark(type: "whiteout" | "opaque", path: string): LayerEntry {
  return { type, path };
}

/** The entries, one after the other. */
export async function* each<T>(entries: readonly T[]): AsyncGenerator<T> {
  yield* entries;
}

/** Blobs that layers are packed into. */
export interface BlobBox {
  /** Packs entries as a layer. */
  pack(...entries: readonly LayerEntry[]): Promise<TreeLayer & { readonly tar: Uint8Array<ArrayBuffer> }>;
  /** Opens a packed layer; counts how often. */
  readonly open: OpenLayer;
  /** Places that were opened, as offsets. */
  readonly opened: number[];
}

/** An empty box. */
export function createBlobBox(): BlobBox {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const opened: number[] = [];
  const ingest = async (content: ReadableStream<Uint8Array<ArrayBuffer>>, mediaType: string): Promise<Descriptor> => {
    const bytes = await collect(content, 1 << 28);
    const hasher = createHasher();
    hasher.update(bytes);
    blobs.set(hasher.digest(), bytes);
    return { mediaType, digest: hasher.digest(), size: bytes.length };
  };
  return {
    opened,
    async pack(...entries): Promise<TreeLayer & { readonly tar: Uint8Array<ArrayBuffer> }> {
      const packed = await packLayer(each(entries), { store: { ingest } }, call);
      return { ...packed, tar: blobs.get(packed.descriptor.digest) ?? new Uint8Array(0) };
    },
    open(descriptor, offset = 0): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
      opened.push(offset);
      return Promise.resolve(streamOf((blobs.get(descriptor.digest) ?? new Uint8Array(0)).subarray(offset)));
    },
  };
}
