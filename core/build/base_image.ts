import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Platform } from "../oci/descriptor.ts";
import type { History, ImageConfig } from "../oci/image_config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { choosePlatform, formatPlatform, normalizePlatform } from "../oci/platform.ts";
import { maxDocumentBytes, readImageConfig, readIndex, readManifest } from "../oci/validate.ts";
import { collect } from "../stream/collect.ts";
import { type Chain, emptyChain, extendChain } from "./chain.ts";

/** Indexes may hold indexes; this deep. */
const maxDepth = 4;

/** One platform's image in the store, read and checked. */
export interface ImageContent {
  /** Its manifest, pinned, without annotations. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly platform: Platform;
  /** Its layers with their diffIDs. */
  readonly chain: Chain;
  /** Its history, one entry that is not `empty_layer` for each layer. */
  readonly history: readonly History[];
}

/**
 * The manifest that serves a platform, from a descriptor of a manifest or of an index, nested ones included. Rejects
 * `NOT_FOUND` when an index holds nothing for the platform. A lone manifest serves whatever its platform is.
 */
export async function pickManifest(
  store: Pick<ContentSource, "open">,
  image: {
    readonly descriptor: Descriptor;
    readonly name: string;
    readonly platform: Platform;
    /** Takes the entries that lead from an index to the manifest, in order. */
    readonly path?: Descriptor[];
  },
  call: Call,
): Promise<Descriptor> {
  let current = image.descriptor;
  for (let depth = 0; depth <= maxDepth; depth++) {
    if (isManifestType(current.mediaType)) return pinned(current);
    if (!isIndexType(current.mediaType)) break;
    const index = readIndex(await readDocument(store, current, call), current.mediaType);
    const found = choosePlatform(index.manifests, image.platform) ?? onlyManifest(index.manifests);
    if (found === undefined) throw noPlatform(image, index.manifests);
    image.path?.push(found);
    current = found;
  }
  throw new EngineError("UNSUPPORTED", `Cannot use image "${image.name}": it is a "${current.mediaType}"`, {
    detail: { what: current.mediaType, known: ["image manifest", "image index"] },
  });
}

/** An index with one entry that says no platform: its config has to tell. */
function onlyManifest(manifests: readonly Descriptor[]): Descriptor | undefined {
  const [first, second] = manifests;
  return second === undefined && first !== undefined && first.platform === undefined ? first : undefined;
}

function noPlatform(
  image: { readonly name: string; readonly platform: Platform },
  manifests: readonly Descriptor[],
): EngineError {
  const known = manifests.flatMap(({ platform }) => platform === undefined ? [] : [formatPlatform(platform)]);
  const message = `Cannot use image "${image.name}" for "${formatPlatform(image.platform)}": it has ${
    known.length === 0 ? "no platforms" : known.join(", ")
  }`;
  return new EngineError("NOT_FOUND", message, {
    detail: { kind: "platform", name: formatPlatform(image.platform), known },
    hint: "Choose one of these with --platform",
  });
}

/** Reads an image by its manifest. Rejects `NOT_FOUND` or `CONTENT_MISMATCH`, also when layers and diffIDs do not pair. */
export async function readImage(
  store: Pick<ContentSource, "open">,
  descriptor: Descriptor,
  call: Call,
): Promise<ImageContent> {
  const manifest = readManifest(await readDocument(store, descriptor, call), descriptor.mediaType);
  const config = readImageConfig(await readDocument(store, manifest.config, call));
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw new EngineError(
      "CONTENT_MISMATCH",
      `Cannot use image "${descriptor.digest}": its manifest has ${manifest.layers.length} layers, expected ${diffIds.length} as in its config`,
      { detail: { expected: diffIds.length, actual: manifest.layers.length } },
    );
  }
  const layers = diffIds.flatMap((diffId, i) => {
    const layer = manifest.layers[i];
    return layer === undefined ? [] : [{ descriptor: layer, diffId }];
  });
  return {
    descriptor: pinned(descriptor),
    manifest,
    config,
    platform: platformOf(config),
    chain: await extendChain(emptyChain, layers),
    history: completeHistory(config),
  };
}

/** History in which one entry stands for each layer: missing ones are added at the end. */
function completeHistory(config: ImageConfig): readonly History[] {
  const history = config.history ?? [];
  const missing = config.rootfs.diff_ids.length - history.filter((entry) => entry.empty_layer !== true).length;
  const created = config.created === undefined ? {} : { created: config.created };
  return [...history, ...Array.from({ length: missing }, () => ({ ...created, comment: "layer without history" }))];
}

function platformOf(config: ImageConfig): Platform {
  return normalizePlatform({
    os: config.os,
    architecture: config.architecture,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    ...(config["os.version"] === undefined ? {} : { "os.version": config["os.version"] }),
    ...(config["os.features"] === undefined ? {} : { "os.features": config["os.features"] }),
  });
}

function pinned({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

/** Bytes of a manifest, an index or a config; more than 8 MiB rejects `INVALID_ARGUMENT`. */
async function readDocument(
  store: Pick<ContentSource, "open">,
  descriptor: Descriptor,
  call: Call,
): Promise<Uint8Array<ArrayBuffer>> {
  return await collect(await store.open(descriptor, call), maxDocumentBytes);
}
