import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { isIndexType } from "../oci/media_type.ts";
import { layerSizes } from "./layer_sizes.ts";
import type { RegistryEngine } from "./registry.ts";
import { findAmong, resolveAmong } from "./resolve_image.ts";
import type { SeenImage, SeenImages } from "./seen_image.ts";
import { readImages, type StoredImage } from "./stored_image.ts";

/**
 * Finds what a text stands for: an image of the store, else what is at an address as of `copy`. `all` are the images of the store. Rejects
 * `NOT_FOUND`, and `CONFLICT` as `resolveImage` does.
 */
export async function seeImages(
  engine: RegistryEngine,
  { text, all }: { readonly text: string; readonly all: readonly StoredImage[] },
  call: Call,
): Promise<SeenImages> {
  const found = findAmong(all, text);
  if (found !== undefined) return stored(engine.store, found);
  if (text.includes(":")) {
    const { openPlacedImages } = await import("./placed_image.ts");
    const placed = await openPlacedImages(engine, text, call);
    if (placed !== undefined) return placed;
  }
  return stored(engine.store, resolveAmong(all, text.replace(/^store:/, "")));
}

/** As {@linkcode seeImages} with the store's images of now. */
export async function seeImagesNow(engine: RegistryEngine, text: string, call: Call): Promise<SeenImages> {
  return await seeImages(engine, { text, all: await readImages(engine.store, call) }, call);
}

function stored(store: Store, image: StoredImage): SeenImages {
  const sizes: SeenImage["sizes"] = (content, call) => layerSizes(store, content, call);
  const size: SeenImage["size"] = async (content, call) =>
    isIndexType(image.descriptor.mediaType) ? sumOf(await sizes(content, call)) : image.size;
  return { images: [{ ...image, source: store, sizes, size }], [Symbol.asyncDispose]: () => Promise.resolve() };
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
