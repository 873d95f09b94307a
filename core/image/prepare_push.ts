import { readImage } from "../build/base_image.ts";
import { createLimit, type Limit } from "../build/limit.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { essence, isIndexType, isManifestType, MediaType } from "../oci/media_type.ts";
import { isAttestation } from "../oci/platform.ts";
import { readIndex, readManifest } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { streamOf } from "../stream/byte_stream.ts";
import type { Compressor, Encoding } from "../stream/compress.ts";
import { compressLayer, isPlain } from "./compress_layer.ts";

/** What images are prepared with. */
export interface Preparation {
  readonly store: Store;
  /** How plain layers are compressed; undefined leaves them. */
  readonly encoding: Encoding | undefined;
  readonly compressor: Compressor;
  /** Whether a plain layer stays as it is, because it came that way from a registry. */
  readonly isKept: (layer: Digest) => Promise<boolean>;
  /** Told when something has to be compressed that was not before. */
  readonly onWork: () => void;
  /** Told of each layer as soon as it is as it will leave. */
  readonly onLayer: (layer: Descriptor) => void;
}

interface Work extends Preparation {
  /** One layer at a time: each keeps all cores busy. */
  readonly limit: Limit;
  /** Manifests that became other ones. */
  readonly replaced: Map<Digest, Descriptor>;
}

/**
 * The form of an image in which it leaves the store: plain layers compressed, and manifests and indexes that list those in place of the
 * plain ones. Configs stay as they are, and so does an image without plain layers. `keep` names the entries of an index that go along;
 * all when undefined. What is new is in the store under no name; the caller holds a lease.
 */
export async function prepareImage(
  preparation: Preparation,
  image: { readonly root: Descriptor; readonly keep: ReadonlySet<Digest> | undefined },
  call: Call,
): Promise<Descriptor> {
  const work: Work = { ...preparation, limit: createLimit(1), replaced: new Map() };
  return isIndexType(image.root.mediaType)
    ? await prepareIndex(work, image, call)
    : await prepareManifest(work, image.root, call);
}

async function prepareIndex(
  work: Work,
  { root, keep }: { readonly root: Descriptor; readonly keep: ReadonlySet<Digest> | undefined },
  call: Call,
): Promise<Descriptor> {
  const bytes = await readDocument(work.store, root, call);
  const { manifests } = readIndex(bytes, root.mediaType);
  const kept = manifests.filter(({ digest }) => keep === undefined || keep.has(digest));
  // Attestations name the manifests they are about, so those are first.
  for (const isLater of [false, true]) {
    for (const child of kept.filter((each) => isAttestation(each) === isLater)) {
      if (!await work.store.has(child, call)) continue;
      const prepared = isIndexType(child.mediaType)
        ? await prepareIndex(work, { root: child, keep: undefined }, call)
        : isManifestType(child.mediaType)
        ? await prepareManifest(work, child, call)
        : child;
      if (prepared.digest !== child.digest) work.replaced.set(child.digest, prepared);
    }
  }
  if (work.replaced.size === 0 && kept.length === manifests.length) return root;
  return await rewrite(work, { bytes, mediaType: root.mediaType }, {
    manifests: kept.map((child) => replaceEntry(work, child)),
  }, call);
}

function replaceEntry({ replaced }: Work, child: Descriptor): Descriptor {
  const { mediaType, digest, size } = replaced.get(child.digest) ?? child;
  const about = replaced.get(child.annotations?.[aboutKey] as Digest);
  const annotations = about === undefined ? child.annotations : { ...child.annotations, [aboutKey]: about.digest };
  return { ...child, mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) };
}

/** What an attestation says which manifest it is about with (BuildKit, attestation-storage.md). */
const aboutKey = "vnd.docker.reference.digest";

async function prepareManifest(work: Work, root: Descriptor, call: Call): Promise<Descriptor> {
  const bytes = await readDocument(work.store, root, call);
  const manifest = readManifest(bytes, root.mediaType);
  const subject = manifest.subject === undefined ? undefined : work.replaced.get(manifest.subject.digest);
  const changes: Record<string, unknown> = {};
  if (subject !== undefined) changes["subject"] = { ...manifest.subject, digest: subject.digest, size: subject.size };
  const type = essence(manifest.config.mediaType);
  const isImage = type === MediaType.config || type === MediaType.dockerConfig;
  if (!isImage || work.encoding === undefined) {
    manifest.layers.forEach(work.onLayer);
    return subject === undefined ? root : await rewrite(work, { bytes, mediaType: root.mediaType }, changes, call);
  }
  const { chain } = await readImage(work.store, root, call);
  const { encoding } = work;
  const layers: Descriptor[] = [];
  for (const layer of chain.layers) {
    const prepared = isPlain(layer) && !await work.isKept(layer.diffId)
      ? await work.limit(() => compressLayer(work.store, { ...work, layer, encoding }, call))
      : layer.descriptor;
    layers.push(prepared);
    work.onLayer(prepared);
  }
  if (subject === undefined && layers.every(({ digest }, at) => digest === manifest.layers[at]?.digest)) return root;
  const isMixed = isManifestType(root.mediaType) && essence(root.mediaType) === MediaType.dockerManifest &&
    layers.some(({ mediaType }) => mediaType === MediaType.layerZstd);
  if (!isMixed) return await rewrite(work, { bytes, mediaType: root.mediaType }, { ...changes, layers }, call);
  // Docker's own manifests know nothing of zstd.
  const config = { ...manifest.config, mediaType: MediaType.config };
  const toOci = { ...changes, config, layers: layers.map(ociLayer), mediaType: MediaType.manifest };
  return await rewrite(work, { bytes, mediaType: MediaType.manifest }, toOci, call);
}

function ociLayer(layer: Descriptor): Descriptor {
  const type = essence(layer.mediaType);
  if (type === MediaType.dockerLayerGzip) return { ...layer, mediaType: MediaType.layerGzip };
  return type === MediaType.dockerLayer ? { ...layer, mediaType: MediaType.layer } : layer;
}

/** A document with some members replaced and the rest as it was. */
async function rewrite(
  { store }: Work,
  document: { readonly bytes: Uint8Array; readonly mediaType: string },
  changes: Readonly<Record<string, unknown>>,
  call: Call,
): Promise<Descriptor> {
  const members: unknown = JSON.parse(new TextDecoder().decode(document.bytes));
  const bytes = new TextEncoder().encode(canonicalJson(Object.assign({}, members, changes)));
  const descriptor = { mediaType: document.mediaType, digest: await sha256(bytes), size: bytes.length };
  await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
  return descriptor;
}
