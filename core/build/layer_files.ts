import type { ByteStream, Call } from "../contract/call.ts";
import type { Tree } from "../contract/layer.ts";
import type { NameChange, Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { LayerIndex } from "../layer/layer_index.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { MediaType } from "../oci/media_type.ts";
import { layerName, StoreAnnotation } from "../store/names.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { collect } from "../stream/collect.ts";
import { SharedWork } from "../stream/shared_work.ts";
import type { ChainLayer } from "./chain.ts";
import { checkDiffId } from "./check_diff_id.ts";
import { createLayerReader, type ReadLayer } from "./layer_reader.ts";
import { lazyTree } from "./node_tree.ts";
import { settleAll } from "./settle_all.ts";

/** The files inside stored layers. */
export interface LayerFiles {
  /** The files that layers give, base first; read when first asked. Errors as {@linkcode LayerFiles.index} does. */
  tree(layers: readonly ChainLayer[], call: Call): Tree;
  /**
   * Table of contents of a stored layer; made and stored when it is missing. Rejects `NOT_FOUND` when the layer itself is,
   * `CONTENT_MISMATCH` when its digest or diffID is not the one told.
   */
  index(layer: ChainLayer, call: Call): Promise<LayerIndex>;
}

/** Reads layers of one store, with code that is loaded when something is read. What was read stays in memory as long as this does. */
export function createLayerFiles(store: Store): LayerFiles {
  const read = createLayerReader(store);
  const indexes = new SharedWork<Digest, LayerIndex>();
  const plain = new SharedWork<Digest, Descriptor>();
  const index = (layer: ChainLayer, call: Call): Promise<LayerIndex> =>
    indexes.get(layer.diffId, (inner) => loadIndex({ store, read }, layer, inner), call);
  const open = async (layer: ChainLayer, call: Call, offset?: number): Promise<ByteStream> => {
    const descriptor = await plain.get(layer.diffId, (inner) => plainLayer(store, layer, inner), call);
    return await store.open(descriptor, call, offset);
  };
  const tree = (layers: readonly ChainLayer[], call: Call): Tree =>
    lazyTree(async () => {
      const { createMergedTree } = await import("../layer/merged_tree.ts");
      const parts = await settleAll(layers.map(async (layer) => ({ ...layer, index: await index(layer, call) })));
      const byDigest = new Map(layers.map((layer) => [layer.descriptor.digest, layer]));
      return createMergedTree(parts, (descriptor, offset) => {
        const layer = byDigest.get(descriptor.digest);
        if (layer === undefined) {
          throw new EngineError("INTERNAL", `Cannot open layer "${descriptor.digest}": not in the chain`);
        }
        return open(layer, call, offset);
      });
    });
  return { tree, index };
}

async function loadIndex(
  { store, read }: { readonly store: Store; readonly read: ReadLayer },
  layer: ChainLayer,
  call: Call,
): Promise<LayerIndex> {
  const { decodeLayerIndex } = await import("../layer/index.ts");
  const stored = await store.resolve(layerName(layer.diffId), call);
  if (stored !== undefined) {
    try {
      return decodeLayerIndex(await collect(await store.open(stored, call), stored.size));
    } catch (error) {
      if (!isEngineError(error) || error.code === "CANCELED") throw error;
    }
  }
  const made = await read(layer.descriptor, call);
  checkDiffId(layer, made.diffId);
  await store.update([await storeEncodedIndex(store, made, call)], call);
  return decodeLayerIndex(made.index);
}

/** Stores a layer's table of contents; gives the change that names it, with the bytes of the layer's files as annotation. */
export async function storeIndex(store: Store, diffId: Digest, index: LayerIndex, call: Call): Promise<NameChange> {
  const { encodeLayerIndex, fileBytes } = await import("../layer/index.ts");
  return await storeEncodedIndex(store, { diffId, index: encodeLayerIndex(index), fileBytes: fileBytes(index) }, call);
}

/** As {@linkcode storeIndex} for a table of contents that is encoded already. */
export async function storeEncodedIndex(
  store: Pick<Store, "put">,
  layer: { readonly diffId: Digest; readonly index: Uint8Array<ArrayBuffer>; readonly fileBytes: number },
  call: Call,
): Promise<NameChange> {
  const { diffId, index } = layer;
  const descriptor = { mediaType: MediaType.layerIndex, digest: await sha256(index), size: index.length };
  await store.put(descriptor, () => Promise.resolve(streamOf(index)), call);
  const annotations = { [StoreAnnotation.layerSize]: String(layer.fileBytes) };
  return { name: layerName(diffId), descriptor: { ...descriptor, annotations } };
}

/**
 * The layer as a plain tar, which files can be read from at an offset. A compressed one is unpacked into the store once,
 * under no name: it is there until the next collection after the build.
 */
async function plainLayer(store: Store, layer: ChainLayer, call: Call): Promise<Descriptor> {
  if (layer.descriptor.digest === layer.diffId) return layer.descriptor;
  const { decompress } = await import("../stream/compression.ts");
  const { stream } = await decompress(await store.open(layer.descriptor, call));
  const descriptor = await store.ingest(stream, MediaType.layer, call);
  checkDiffId(layer, descriptor.digest);
  return descriptor;
}
