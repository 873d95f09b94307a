import { type ImageContent, readImage } from "../build/base_image.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { isIndexType, isManifestType, MediaType } from "../oci/media_type.ts";
import { formatPlatform, isAttestation } from "../oci/platform.ts";
import { maxDocumentBytes, readIndex, readManifest } from "../oci/validate.ts";
import { StoreAnnotation, stripStoreAnnotations } from "../store/names.ts";
import { collect } from "../stream/collect.ts";
import { checkedLayerSizes, layerSizes, type SizeLayers } from "./layer_sizes.ts";

/** Indexes may hold indexes; this deep. */
const maxDepth = 4;

type DiffIds = ReadonlyMap<Digest, Digest>;

/** Where facts are read. */
interface At {
  readonly descriptor: Descriptor;
  readonly diffIds: DiffIds;
  readonly sizesOf: SizeLayers;
  readonly depth: number;
}

interface Facts {
  readonly id: Digest;
  readonly created: string | undefined;
  /** Uncompressed bytes by diffID. */
  readonly layers: ReadonlyMap<Digest, number>;
  readonly platforms: readonly string[];
}

/**
 * The descriptor with the annotations that names in the store carry (`strata.image.id`, `.created`, `.size`, `.platform`), so that
 * listing images reads no blob. Every compressed layer is read once to check its diffID and to measure it; its table of contents
 * is stored. Manifests of an index that are not in the store are left out. Rejects `NOT_FOUND` when a part of an image is missing,
 * `CONTENT_MISMATCH` when a layer is not what the config says, `UNSUPPORTED` for what is neither manifest nor index.
 */
export async function recordImage(store: Store, descriptor: Descriptor, call: Call): Promise<Descriptor> {
  return await recordChecked(store, { descriptor, diffIds: new Map() }, call);
}

/** As {@linkcode recordImage} without reading layers: their diffIDs are checked when their files are needed, and `.size` is for show. */
export async function recordUnread(store: Store, descriptor: Descriptor, call: Call): Promise<Descriptor> {
  return await record(store, { descriptor, diffIds: new Map(), sizesOf: layerSizes, depth: 0 }, call);
}

/** As {@linkcode recordImage} for an image some of whose layers were just read: `diffIds` tells what they are, by the digest they are stored under. */
export async function recordChecked(
  store: Store,
  image: { readonly descriptor: Descriptor; readonly diffIds: DiffIds },
  call: Call,
): Promise<Descriptor> {
  return await record(store, { ...image, sizesOf: checkedLayerSizes, depth: 0 }, call);
}

async function record(store: Store, image: At, call: Call): Promise<Descriptor> {
  const { descriptor } = image;
  const facts = await readFacts(store, image, call);
  const size = [...facts.layers.values()].reduce((total, bytes) => total + bytes, 0);
  const { annotations, ...bare } = stripStoreAnnotations(descriptor);
  return {
    ...bare,
    annotations: {
      ...annotations,
      [StoreAnnotation.imageId]: facts.id,
      ...(facts.created === undefined ? {} : { [StoreAnnotation.imageCreated]: facts.created }),
      [StoreAnnotation.imageSize]: String(size),
      [StoreAnnotation.imagePlatform]: [...new Set(facts.platforms)].join(","),
    },
  };
}

async function readFacts(store: Store, at: At, call: Call): Promise<Facts> {
  const { descriptor, depth } = at;
  if (isManifestType(descriptor.mediaType)) return await manifestFacts(store, at, call);
  if (isIndexType(descriptor.mediaType) && depth < maxDepth) return await indexFacts(store, at, call);
  const what = depth < maxDepth ? `a "${descriptor.mediaType}"` : "an index nested too deep";
  throw new EngineError("UNSUPPORTED", `Cannot record "${descriptor.digest}" as an image: it is ${what}`, {
    detail: { what: descriptor.mediaType, known: ["image manifest", "image index"] },
  });
}

async function indexFacts(store: Store, at: At, call: Call): Promise<Facts> {
  const { descriptor, depth } = at;
  const bytes = await collect(await store.open(descriptor, call), maxDocumentBytes);
  const layers = new Map<Digest, number>();
  const platforms: string[] = [];
  let created: string | undefined;
  let present = 0;
  for (const child of readIndex(bytes, descriptor.mediaType).manifests) {
    const isImage = isManifestType(child.mediaType) || isIndexType(child.mediaType);
    if (!isImage || isAttestation(child) || !await store.has(child, call)) continue;
    present++;
    const facts = await readFacts(store, { ...at, descriptor: child, depth: depth + 1 }, call);
    for (const [diffId, size] of facts.layers) layers.set(diffId, size);
    platforms.push(...facts.platforms);
    if (facts.created !== undefined && (created === undefined || isLater(facts.created, created))) {
      created = facts.created;
    }
  }
  if (present === 0) {
    throw new EngineError("NOT_FOUND", `Cannot record image index "${descriptor.digest}": none of its images is here`, {
      detail: { kind: "image", name: descriptor.digest },
    });
  }
  return { id: descriptor.digest, created, layers, platforms };
}

async function manifestFacts(store: Store, { descriptor, diffIds, sizesOf }: At, call: Call): Promise<Facts> {
  const bytes = await collect(await store.open(descriptor, call), maxDocumentBytes);
  const manifest = readManifest(bytes, descriptor.mediaType);
  const type = manifest.config.mediaType;
  if (type !== MediaType.config && type !== MediaType.dockerConfig) {
    const layers = new Map(manifest.layers.map((layer): [Digest, number] => [layer.digest, layer.size]));
    return { id: descriptor.digest, created: undefined, layers, platforms: [] };
  }
  const image = await readImage(store, descriptor, call);
  checkDiffIds(image, diffIds);
  return {
    id: manifest.config.digest,
    created: createdOf(image),
    layers: await measureLayers(store, { image, sizesOf }, call),
    platforms: [formatPlatform(image.platform)],
  };
}

function checkDiffIds({ chain }: ImageContent, diffIds: DiffIds): void {
  for (const { descriptor, diffId } of chain.layers) {
    const actual = diffIds.get(descriptor.digest);
    if (actual === undefined || actual === diffId) continue;
    throw new EngineError("CONTENT_MISMATCH", `Cannot use layer "${descriptor.digest}": its diffID is ${actual}`, {
      detail: { expected: diffId, actual },
    });
  }
}

async function measureLayers(
  store: Store,
  { image, sizesOf }: { readonly image: ImageContent; readonly sizesOf: SizeLayers },
  call: Call,
): Promise<ReadonlyMap<Digest, number>> {
  const sizes = await sizesOf(store, image, call);
  return new Map(image.chain.layers.map(({ diffId }, at) => [diffId, sizes[at] ?? 0]));
}

/** The config's own time; without one, that of its last history entry that has one. */
function createdOf({ config }: ImageContent): string | undefined {
  const text = config.created ?? config.history?.findLast((entry) => entry.created !== undefined)?.created;
  return text === undefined || Number.isNaN(Date.parse(text)) ? undefined : text;
}

function isLater(a: string, b: string): boolean {
  return Date.parse(a) > Date.parse(b);
}
