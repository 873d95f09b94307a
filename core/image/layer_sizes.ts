import type { ImageContent } from "../build/base_image.ts";
import type { ChainLayer } from "../build/chain.ts";
import { createLayerFiles, fileBytes } from "../build/layer_files.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { layerName, StoreAnnotation } from "../store/names.ts";

/**
 * Bytes of the files in each layer, base first, as docker counts them; 0 for a layer that is held elsewhere. A layer that was not
 * measured before is read once, which checks its diffID (`CONTENT_MISMATCH`) and stores its table of contents.
 */
export async function layerSizes(store: Store, image: ImageContent, call: Call): Promise<readonly number[]> {
  const sizes: number[] = [];
  for (const layer of image.chain.layers) sizes.push(await layerSize(store, layer, call));
  return sizes;
}

async function layerSize(store: Store, layer: ChainLayer, call: Call): Promise<number> {
  const known = (await store.resolve(layerName(layer.diffId), call))?.annotations?.[StoreAnnotation.layerSize];
  if (known !== undefined) return Number(known);
  if (layer.descriptor.urls !== undefined && !await store.has(layer.descriptor, call)) return 0;
  return fileBytes(await createLayerFiles(store).index(layer, call));
}
