import type { Call, Descriptor, Digest, Kit, OpenContent } from "../../core/contract/mod.ts";
import { isDigest, isRecord, parseJson, type Place, readDescriptor } from "./documents.ts";
import { maxDocumentBytes } from "./files.ts";
import { familiarName, fullNameKey, refNameKey, splitTag } from "./named.ts";

/** An image that a sink was told to name; the name is undefined for one without. */
export interface Root {
  readonly name: string | undefined;
  readonly descriptor: Descriptor;
}

/** The root for what `tag` was given: a name that starts with `@` stands for an image without one. */
export function rootOf(descriptor: Descriptor, name: string): Root {
  const { mediaType, digest, size, platform, artifactType } = descriptor;
  return {
    name: name.startsWith("@") ? undefined : name,
    descriptor: {
      mediaType,
      digest,
      size,
      ...(platform === undefined ? {} : { platform }),
      ...(artifactType === undefined ? {} : { artifactType }),
    },
  };
}

/**
 * `index.json` of a layout. A root's `ref.name` is its tag, as Docker and BuildKit write it, or the whole name where two roots
 * have the same tag.
 */
export function layoutIndex(roots: readonly Root[], others: readonly Descriptor[], kit: Kit): Uint8Array<ArrayBuffer> {
  const tags = roots.map(({ name }) => splitTag(name ?? "").tag);
  const taken = new Set(others.map(({ annotations }) => annotations?.[refNameKey]));
  const manifests = roots.map(({ name, descriptor }, at) => {
    if (name === undefined) return descriptor;
    const tag = tags[at];
    const isAlone = tag !== undefined && !taken.has(tag) && tags.indexOf(tag) === tags.lastIndexOf(tag);
    const annotations = { [fullNameKey]: name, [refNameKey]: isAlone ? tag : familiarName(name) };
    return { ...descriptor, annotations };
  });
  return encode({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [...others, ...manifests],
  }, kit);
}

/** `oci-layout` file (image-spec, image-layout.md). */
export function layoutMarker(kit: Kit): Uint8Array<ArrayBuffer> {
  return encode({ imageLayoutVersion: "1.0.0" }, kit);
}

/** Canonical JSON as bytes. */
export function encode(value: unknown, kit: Kit): Uint8Array<ArrayBuffer> {
  // A value of plain objects, lists, texts and numbers is JSON once it went through JSON.stringify.
  return new TextEncoder().encode(kit.canonicalJson(JSON.parse(JSON.stringify(value))));
}

/** Hex part of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** Whether a blob is a manifest or an index, whose content a sink looks into. */
export function isDocument(mediaType: string): boolean {
  return /\.(manifest|index|manifest\.list)\.v[12]\+json\b/.test(mediaType);
}

/** What a manifest or index points at. */
export type Document =
  | { readonly type: "manifest"; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
  | { readonly type: "index"; readonly manifests: readonly Descriptor[] };

/** Reads a manifest or an index; undefined when it is neither. Throws `INVALID_ARGUMENT` when its shape is wrong. */
export function readImageDocument(bytes: Uint8Array, place: Place): Document | undefined {
  const value = parseJson(bytes, place);
  if (!isRecord(value)) return undefined;
  if (Array.isArray(value.manifests)) {
    return { type: "index", manifests: value.manifests.map((item) => readDescriptor(item, place)) };
  }
  if (!Array.isArray(value.layers)) return undefined;
  const layers = value.layers.map((item) => readDescriptor(item, place));
  return { type: "manifest", config: readDescriptor(value.config, place), layers };
}

/** All bytes of content that is a document. Rejects `INVALID_ARGUMENT` above the bound and `CONTENT_MISMATCH` on another size. */
export async function collectDocument(
  descriptor: Descriptor,
  open: OpenContent,
  kit: Kit,
): Promise<Uint8Array<ArrayBuffer>> {
  if (descriptor.size > maxDocumentBytes) {
    const message =
      `Cannot write "${descriptor.digest}": ${descriptor.size} bytes, expected at most ${maxDocumentBytes}`;
    throw kit.error("INVALID_ARGUMENT", message);
  }
  const bytes = new Uint8Array(descriptor.size);
  let at = 0;
  for await (const chunk of await open()) {
    if (at + chunk.length > bytes.length) throw wrongSize(descriptor, at + chunk.length, kit);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at !== bytes.length) throw wrongSize(descriptor, at, kit);
  return bytes;
}

/** Refuses digests that are no digests, because they become paths. Throws `INVALID_ARGUMENT`. */
export function checkDescriptor(descriptor: Descriptor, kit: Kit): void {
  if (isDigest(descriptor.digest)) return;
  throw kit.error("INVALID_ARGUMENT", `Cannot write "${descriptor.digest}": not a digest of a known algorithm`);
}

/** Makes the error for content that has not the size its descriptor says. */
export function wrongSize(descriptor: Descriptor, actual: number, kit: Kit): Error {
  const message = `Cannot write "${descriptor.digest}": ${actual} bytes, expected ${descriptor.size}`;
  return kit.error("CONTENT_MISMATCH", message, { detail: { expected: descriptor.size, actual } });
}

/** Makes the error for a name given to content that was not put. */
export function notPut(digest: Digest, name: string, kit: Kit): Error {
  const message = `Cannot name "${digest}" as "${name}": its content was not written`;
  return kit.error("NOT_FOUND", message, { detail: { kind: "blob", name: digest } });
}

/** Throws `CANCELED` when the call was aborted. */
export function checkSignal(call: Call, kit: Kit): void {
  if (call.signal.aborted) throw kit.error("CANCELED", "Cannot write image: canceled");
}

/** Makes the error for a second image where there is room for one. */
export function oneOnly(name: string, label: string, kit: Kit): Error {
  return kit.error("CONFLICT", `Cannot write "${name}" to "${label}": it holds one image already`, {
    detail: { kind: "image", name },
  });
}
