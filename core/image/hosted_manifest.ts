import { type ErrorCode, isEngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { essence, isIndexType, isManifestType, MediaType } from "../oci/media_type.ts";
import { readDescriptor, readIndex, readManifest } from "../oci/validate.ts";

/** What a registry needs to know of a manifest or an index. */
export interface HostedManifest {
  /** Its type, digest and size, and nothing else. */
  readonly descriptor: Descriptor;
  /** Config and layers, but for layers that are held elsewhere. */
  readonly blobs: readonly Descriptor[];
  /** Layers that are held elsewhere, and may be here too. */
  readonly foreign: readonly Descriptor[];
  /** What an index lists. */
  readonly children: readonly Descriptor[];
  /** What it is about. */
  readonly subject: Descriptor | undefined;
  /** Its artifact type; of a manifest without one, the type of its config. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** Whether a document that failed so is missing or none that can be read, as opposed to a store that failed. */
export function isUnreadable(error: unknown): boolean {
  const codes: readonly ErrorCode[] = ["NOT_FOUND", "CONTENT_MISMATCH", "UNSUPPORTED", "INVALID_ARGUMENT"];
  return isEngineError(error) && codes.includes(error.code);
}

/** Reads a manifest or an index. Throws `CONTENT_MISMATCH` for a broken one and `UNSUPPORTED` for another kind of document. */
export function readHosted(bytes: Uint8Array, { mediaType, digest, size }: Descriptor): HostedManifest {
  const isIndex = isIndexType(mediaType);
  const document = isIndex ? readIndex(bytes, mediaType) : readManifest(bytes, mediaType);
  const layers = "layers" in document ? document.layers : [];
  const config = "config" in document ? document.config : undefined;
  const { subject, artifactType, annotations } = document;
  const isForeign = (layer: Descriptor): boolean => layer.urls !== undefined && layer.urls.length > 0;
  return {
    descriptor: { mediaType, digest, size },
    blobs: [...config === undefined ? [] : [config], ...layers.filter((layer) => !isForeign(layer))],
    foreign: layers.filter(isForeign),
    children: "manifests" in document ? document.manifests : [],
    subject: subject === undefined || subject === null ? undefined : readDescriptor(subject, "manifest", "subject"),
    artifactType: typeof artifactType === "string" && artifactType !== "" ? artifactType : config?.mediaType,
    annotations: annotations ?? undefined,
  };
}

/**
 * Media type of a document that a client sent: the one that it told, without parameters; where it told none that is of a manifest or an
 * index, the one in the document, else what the document looks like.
 */
export function typeOfDocument(bytes: Uint8Array, told: string | undefined): string {
  const type = essence(told ?? "");
  if (isManifestType(type) || isIndexType(type)) return type;
  // A type that says something else is refused by who reads the document.
  if (type !== "" && type !== "application/json" && type !== MediaType.octetStream) return type;
  const document = readObject(bytes);
  const own = document["mediaType"];
  if (typeof own === "string") return own;
  return "manifests" in document ? MediaType.index : MediaType.manifest;
}

function readObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
