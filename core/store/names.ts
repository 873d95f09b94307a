import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { isDigest } from "../oci/digest.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import type { Reference } from "../oci/reference.ts";

/** What names in the store start with, by what they are for. */
export const NamePrefix = {
  /** `ref/<host>/<repository>:<tag>`, or `@<digest>`: a name that a user gave an image. */
  reference: "ref/",
  /** `image/<imageId>`: every image that is present, named or not. */
  image: "image/",
  /** `cache/<key>`: a layer that was built. */
  cache: "cache/",
  /** `result/<key>`: the manifest of an earlier build with this key. */
  result: "result/",
  /** `build/<key>`: the image of an earlier build that was asked the same, with what that build read. */
  build: "build/",
  /** `fetch/<key>`: a download that a layer hook remembered. */
  fetch: "fetch/",
  /** `op/<key>`: mark of an operation that was built on whatever it was. */
  operation: "op/",
  /** `layer/<diffID>`: table of contents of a layer; does not keep the layer. */
  layer: "layer/",
  /** `compressed/<encoding>/<diffID>`: a layer as it was compressed for others; does not keep it longer than the layer itself. */
  compressed: "compressed/",
  /** `upload/<host>/<repository>@<digest>`: a blob that was sent to a repository, until a manifest there refers to it. */
  upload: "upload/",
  /** `origin/<digest>/<host>`: repositories of a registry that hold a blob; does not keep the blob. */
  origin: "origin/",
} as const;

/** What names start with that remember work done, so that it need not be done again; whatever is under them may go at any time. */
export const rememberedPrefixes: readonly string[] = [
  NamePrefix.cache,
  NamePrefix.result,
  NamePrefix.build,
  NamePrefix.fetch,
];

/** Annotations that core puts on stored descriptors. They are facts of this store and never leave it with an image. */
export const StoreAnnotation = {
  /** Image ID, on descriptors under `ref/` and `image/`. */
  imageId: "strata.image.id",
  /** When the image was created, RFC 3339; absent when its config does not say. */
  imageCreated: "strata.image.created",
  /** Bytes of the files in its layers, decimal. */
  imageSize: "strata.image.size",
  /** Its platform such as `linux/amd64`; several are joined by commas. */
  imagePlatform: "strata.image.platform",
  /** Bytes of the files in a layer, decimal; on descriptors under `layer/`. */
  layerSize: "strata.layer.size",
  /** Repositories joined by commas, the last one seen first; on descriptors under `origin/`. */
  originRepositories: "strata.origin.repositories",
  /** diffID of a cached layer. */
  cacheDiffId: "strata.diffid",
  /** When a cached layer was built, RFC 3339. */
  cacheCreated: "strata.created",
  /** Instruction that a cached layer was built by, for people. */
  cacheInstruction: "strata.instruction",
  /** What a build read and gave, as JSON; on descriptors under `build/`. */
  buildRecord: "strata.build.record",
  /** Digest of that text. */
  buildRecordDigest: "strata.build.record.digest",
} as const;

/** Name of an image under a reference; its tag, or its digest when it has no tag. */
export function imageName(reference: Reference): string {
  const { host, repository, tag, digest } = reference;
  if (tag !== undefined) return `${NamePrefix.reference}${formatReference({ host, repository, tag })}`;
  if (digest !== undefined) return `${NamePrefix.reference}${formatReference({ host, repository, digest })}`;
  throw new EngineError("INVALID_ARGUMENT", `Cannot name image "${repository}": it has neither tag nor digest`, {
    detail: { field: "reference", value: repository },
  });
}

/** The reference in a name under `ref/`; undefined for every other name. */
export function parseImageName(name: string): Reference | undefined {
  if (!name.startsWith(NamePrefix.reference)) return undefined;
  return parseReference(name.slice(NamePrefix.reference.length));
}

/** Name under which an image is kept whether it has a reference or not. */
export function imageIdName(id: Digest): string {
  return `${NamePrefix.image}${id}`;
}

/** The image ID in a name under `image/`; undefined for every other name. */
export function parseImageIdName(name: string): Digest | undefined {
  return digestAfter(NamePrefix.image, name);
}

/** Name of the layer built for a cache key. */
export function cacheName(key: string): string {
  return `${NamePrefix.cache}${key}`;
}

/** Name of the mark that an operation was built, by a key that leaves out what it was built on. */
export function operationName(key: string): string {
  return `${NamePrefix.operation}${key}`;
}

/** Name of the manifest that a whole build with this key gave. */
export function resultName(key: string): string {
  return `${NamePrefix.result}${key}`;
}

/** Name of what is remembered of a build, by a key of what it was asked. */
export function buildName(key: string): string {
  return `${NamePrefix.build}${key}`;
}

/** Name of a remembered download. */
export function fetchName(key: string): string {
  return `${NamePrefix.fetch}${key}`;
}

/** Name of the table of contents of a layer. */
export function layerName(diffId: Digest): string {
  return `${NamePrefix.layer}${diffId}`;
}

/** The diffID in a name under `layer/`; undefined for every other name. */
export function parseLayerName(name: string): Digest | undefined {
  return digestAfter(NamePrefix.layer, name);
}

/** Name of a layer as it was compressed; the encoding tells codec and level, such as `gzip-6`. */
export function compressedName(encoding: string, diffId: Digest): string {
  return `${NamePrefix.compressed}${encoding}/${diffId}`;
}

/** The diffID in a name under `compressed/`; undefined for every other name. */
export function parseCompressedName(name: string): Digest | undefined {
  return name.startsWith(NamePrefix.compressed)
    ? digestAfter(name.slice(0, name.lastIndexOf("/") + 1), name)
    : undefined;
}

/** Name of a blob that was sent to a repository; without a digest, what such names start with. */
export function uploadName({ host, repository }: Reference, digest = ""): string {
  return `${NamePrefix.upload}${host}/${repository}@${digest}`;
}

/** Name of what is known of where a registry holds a blob; without a host, what such names start with. */
export function originName(digest: Digest, host = ""): string {
  return `${NamePrefix.origin}${digest}/${host}`;
}

/** One layer that the build cache holds. */
export interface CacheRecord {
  /** The layer, without the record's annotations. */
  readonly layer: Descriptor;
  /** Its diffID. */
  readonly diffId: Digest;
  /** When it was built, RFC 3339. */
  readonly created: string;
  /** The instruction it was built by, for people. */
  readonly instruction: string;
}

/** The descriptor that keeps a cache record under its name. */
export function writeCacheRecord(record: CacheRecord): Descriptor {
  return {
    ...record.layer,
    annotations: {
      [StoreAnnotation.cacheDiffId]: record.diffId,
      [StoreAnnotation.cacheCreated]: record.created,
      [StoreAnnotation.cacheInstruction]: record.instruction,
    },
  };
}

/** The cache record in a descriptor under `cache/`; undefined when it is none. */
export function readCacheRecord(descriptor: Descriptor): CacheRecord | undefined {
  const { annotations, ...layer } = descriptor;
  const diffId = annotations?.[StoreAnnotation.cacheDiffId];
  const created = annotations?.[StoreAnnotation.cacheCreated];
  if (diffId === undefined || created === undefined || !isDigest(diffId)) return undefined;
  return { layer, diffId, created, instruction: annotations?.[StoreAnnotation.cacheInstruction] ?? "" };
}

/** A descriptor without the annotations of this store, as it leaves with an image. */
export function stripStoreAnnotations(descriptor: Descriptor): Descriptor {
  const { annotations, ...rest } = descriptor;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith("strata."));
  return kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) };
}

function digestAfter(prefix: string, name: string): Digest | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const text = name.slice(prefix.length);
  return isDigest(text) ? text : undefined;
}
