import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import { appendChainId } from "../oci/chain_id.ts";
import type { Digest } from "../oci/descriptor.ts";
import { chooseContent } from "./choose_content.ts";
import { layerSizes } from "./layer_sizes.ts";
import { readImages, type StoredImage } from "./stored_image.ts";

/** What the blobs of an image tell of it; of an index, of the image for this machine. */
export interface ImageDetails {
  /** Labels; undefined when there are none. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Bytes of the files in layers that other images have too, on the same layers. */
  readonly sharedSize: number;
}

/** Details of every image of a store. */
export interface StoreDetails {
  /** By image ID. */
  readonly images: ReadonlyMap<Digest, ImageDetails>;
  /** Bytes of the files in all layers, each counted once. */
  readonly layersSize: number;
}

/** Reads the manifests and configs of all images. What cannot be read counts as without labels and layers. */
export async function readImageDetails(engine: Pick<Engine, "store">, call: Call): Promise<StoreDetails> {
  const read: { readonly id: Digest; readonly details: Read }[] = [];
  for (const image of await readImages(engine.store, call)) {
    read.push({ id: image.id, details: await readOne(engine, image, call) });
  }
  const layers = new Map<Digest, { readonly size: number; count: number }>();
  for (const { details } of read) {
    for (const [chainId, size] of details.layers) {
      const known = layers.get(chainId) ?? { size, count: 0 };
      known.count++;
      layers.set(chainId, known);
    }
  }
  const images = new Map(read.map(({ id, details }): [Digest, ImageDetails] => [id, {
    labels: details.labels,
    sharedSize: sum([...details.layers].map(([chainId, size]) => (layers.get(chainId)?.count ?? 0) > 1 ? size : 0)),
  }]));
  return { images, layersSize: sum([...layers.values()].map(({ size }) => size)) };
}

interface Read {
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Sizes by chain ID. */
  readonly layers: ReadonlyMap<Digest, number>;
}

async function readOne({ store }: Pick<Engine, "store">, image: StoredImage, call: Call): Promise<Read> {
  try {
    const choice = { descriptor: image.descriptor, name: image.id, platform: undefined };
    const content = await chooseContent(store, choice, call);
    const sizes = await layerSizes(store, content, call);
    const layers = new Map<Digest, number>();
    let chainId: Digest | undefined;
    for (const [at, { diffId }] of content.chain.layers.entries()) {
      chainId = await appendChainId(chainId, diffId);
      layers.set(chainId, sizes[at] ?? 0);
    }
    return { labels: content.config.config?.Labels, layers };
  } catch (error) {
    if (isEngineError(error) && error.code !== "CANCELED" && error.code !== "OS_FAILED") {
      return { labels: undefined, layers: new Map() };
    }
    throw error;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
