import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import { appendChainId } from "../oci/chain_id.ts";
import type { Digest } from "../oci/descriptor.ts";
import { chooseContent } from "./choose_content.ts";
import type { Manifest } from "../oci/manifest.ts";
import { layerSizes } from "./layer_sizes.ts";
import { resolveImage } from "./resolve_image.ts";
import { familiarName, readImages, rootsOf, type StoredImage } from "./stored_image.ts";

/** What the blobs of an image tell of it; of an index, of the image for this machine. */
export interface ImageDetails {
  /** Labels; undefined when there are none. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Bytes of the files in layers that other images have too, on the same layers. */
  readonly sharedSize: number;
  /** Digests that it has whose layers are compressed, as those in registries are; others are of this store alone. */
  readonly compressed: ReadonlySet<Digest>;
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
    compressed: details.compressed,
    sharedSize: sum([...details.layers].map(([chainId, size]) => (layers.get(chainId)?.count ?? 0) > 1 ? size : 0)),
  }]));
  return { images, layersSize: sum([...layers.values()].map(({ size }) => size)) };
}

interface Read {
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly compressed: ReadonlySet<Digest>;
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
    return { labels: content.config.config?.Labels, compressed: await readCompressed(store, image, call), layers };
  } catch (error) {
    if (isEngineError(error) && error.code !== "CANCELED" && error.code !== "OS_FAILED") {
      return { labels: undefined, compressed: new Set(), layers: new Map() };
    }
    throw error;
  }
}

/**
 * Names by digest, familiar and sorted, under which registries may have an image: those that the store has, and that of each repository with
 * a tag where the layers are as in a registry.
 */
export function registryDigests(
  names: readonly { readonly name: string; readonly digest: Digest }[],
  { compressed }: Pick<ImageDetails, "compressed">,
): readonly string[] {
  const digests = names.flatMap(({ name, digest }) => {
    if (name.includes("@")) return [name];
    return compressed.has(digest) ? [`${name.replace(/:[^:/]*$/, "")}@${digest}`] : [];
  });
  return [...new Set(digests)].sort();
}

/** An image of the store as it is called, and the names by digest of {@linkcode registryDigests}. Rejects as `resolveImage` does. */
export async function readRegistryDigests(
  engine: Pick<Engine, "store">,
  text: string,
  call: Call,
): Promise<readonly string[]> {
  const image = await resolveImage(engine, text, call);
  const names = image.names.map((name) => ({
    name: familiarName(name),
    digest: image.targets.get(name)?.digest ?? image.descriptor.digest,
  }));
  return registryDigests(names, await readOne(engine, image, call));
}

async function readCompressed(store: Store, image: StoredImage, call: Call): Promise<ReadonlySet<Digest>> {
  const compressed = new Set<Digest>();
  for (const descriptor of rootsOf([image])) {
    const { manifest } = await chooseContent(store, { descriptor, name: image.id, platform: undefined }, call);
    if (isCompressed(manifest)) compressed.add(descriptor.digest);
  }
  return compressed;
}

function isCompressed({ layers }: Manifest): boolean {
  return layers.length > 0 && layers.every(({ mediaType }) => !mediaType.endsWith(".tar"));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
