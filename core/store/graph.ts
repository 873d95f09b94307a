import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { maxDocumentBytes, readIndex, readManifest } from "../oci/validate.ts";
import { collect } from "../stream/collect.ts";

/** What a manifest or an index refers to. */
export interface References {
  /** What it cannot do without: config and layers of a manifest, but for layers that are held elsewhere. */
  readonly needed: readonly Descriptor[];
  /** What may be missing: manifests of other platforms, the subject, layers that are held elsewhere. */
  readonly optional: readonly Descriptor[];
}

const none: References = { needed: [], optional: [] };

/**
 * What a descriptor's content refers to; nothing for what is neither manifest nor index. Rejects as `source.open` and the
 * readers of core/oci/validate.ts do.
 */
export async function readReferences(source: ContentSource, descriptor: Descriptor, call: Call): Promise<References> {
  const { mediaType } = descriptor;
  if (isManifestType(mediaType)) {
    const manifest = readManifest(await readDocument(source, descriptor, call), mediaType);
    const isForeign = (layer: Descriptor): boolean => layer.urls !== undefined && layer.urls.length > 0;
    return {
      needed: [manifest.config, ...manifest.layers.filter((layer) => !isForeign(layer))],
      optional: [...manifest.layers.filter(isForeign), ...(manifest.subject === undefined ? [] : [manifest.subject])],
    };
  }
  if (!isIndexType(mediaType)) return none;
  const index = readIndex(await readDocument(source, descriptor, call), mediaType);
  return { needed: [], optional: [...index.manifests, ...(index.subject === undefined ? [] : [index.subject])] };
}

/** The bytes of a manifest, index or config. Rejects as `source.open` does, and `INVALID_ARGUMENT` beyond the size such a document may have. */
export async function readDocument(
  source: ContentSource,
  descriptor: Descriptor,
  call: Call,
): Promise<Uint8Array<ArrayBuffer>> {
  return await collect(await source.open(descriptor, call), maxDocumentBytes);
}
