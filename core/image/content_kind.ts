import type { Descriptor } from "../oci/descriptor.ts";
import { essence, isIndexType, isManifestType, MediaType } from "../oci/media_type.ts";

/** What a descriptor is a part of an image as. */
export type ContentKind = "index" | "manifest" | "config" | "layer" | "blob";

/** What a descriptor is, by its media type. */
export function kindOf({ mediaType }: Descriptor): ContentKind {
  if (isIndexType(mediaType)) return "index";
  if (isManifestType(mediaType)) return "manifest";
  const type = essence(mediaType);
  if (type === MediaType.config || type === MediaType.dockerConfig) return "config";
  return isLayerType(type) ? "layer" : "blob";
}

/** Whether a media type is that of a layer of an image: a tar, however it is compressed. */
export function isLayerType(mediaType: string): boolean {
  return /^application\/vnd\.(oci\.image\.layer\.|docker\.image\.rootfs\.)/.test(essence(mediaType));
}
