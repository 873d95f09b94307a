import type { ImageContent } from "../build/base_image.ts";
import type { ChainLayer } from "../build/chain.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { layerName, StoreAnnotation } from "../store/names.ts";

/** Bytes of each layer of an image, base first; 0 for a layer that is held elsewhere. */
export type SizeLayers = (store: Store, image: ImageContent, call: Call) => Promise<readonly number[]>;

/**
 * Bytes of the files in each layer, as docker counts them, for show. Of a layer whose files nobody has looked at it is what its own end
 * says it unpacks to, which is some more, and which nobody has checked: see `unpackedSize`.
 */
export const layerSizes: SizeLayers = (store, image, call) =>
  Promise.all(image.chain.layers.map(async (layer) => {
    const known = await knownSize(store, layer, call);
    if (known !== undefined) return known;
    const { unpackedSize } = await import("./unpacked_size.ts");
    return unpackedSize(store, layer.descriptor);
  }));

/**
 * Bytes of the files in each layer, as docker counts them. A layer that was not measured before is read once, which checks its diffID
 * (`CONTENT_MISMATCH`) and stores its table of contents.
 */
export const checkedLayerSizes: SizeLayers = async (store, image, call) => {
  const [{ createLayerFiles }, { settleAll }] = await Promise.all([
    import("../build/layer_files.ts"),
    import("../build/settle_all.ts"),
  ]);
  const files = createLayerFiles(store);
  return await settleAll(image.chain.layers.map(async (layer) => {
    const known = await knownSize(store, layer, call);
    if (known !== undefined) return known;
    await files.index(layer, call);
    return await knownSize(store, layer, call) ?? 0;
  }));
};

async function knownSize(store: Store, { descriptor, diffId }: ChainLayer, call: Call): Promise<number | undefined> {
  const size = (await store.resolve(layerName(diffId), call))?.annotations?.[StoreAnnotation.layerSize];
  if (size !== undefined) return Number(size);
  return descriptor.urls !== undefined && !await store.has(descriptor, call) ? 0 : undefined;
}
