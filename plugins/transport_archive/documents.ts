import type { Descriptor, Digest, Kit, Platform } from "../../core/contract/mod.ts";

/** Where a document was found, for messages. */
export interface Place {
  /** Makes errors. */
  readonly kit: Kit;
  /** File or directory the user named. */
  readonly label: string;
  /** Path of the document in it. */
  readonly path: string;
}

/** One image of a docker-archive's `manifest.json`. */
export interface DockerEntry {
  /** Path of the config. */
  readonly config: string;
  /** Names as written, e.g. `alpine:3.18`. */
  readonly repoTags: readonly string[];
  /** Paths of the layers, base first. */
  readonly layers: readonly string[];
}

/** Parts of an index that readers here need. */
export interface IndexDocument {
  /** Entries in order. */
  readonly manifests: readonly Descriptor[];
}

const digestPattern = /^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;
const maxImages = 10_000;

/** Whether a text is a digest of a known algorithm. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && digestPattern.test(text);
}

/** Path of a blob in an OCI layout: `blobs/<algorithm>/<hex>`. */
export function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** The digest in a layout's blob path; undefined when the path is none. */
export function digestOfPath(path: string): Digest | undefined {
  const [folder, algorithm, hex, ...rest] = path.split("/");
  const digest = `${algorithm}:${hex}`;
  return folder === "blobs" && rest.length === 0 && isDigest(digest) ? digest : undefined;
}

/** Parses JSON text. Throws `INVALID_ARGUMENT` naming the place. */
export function parseJson(bytes: Uint8Array, place: Place): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw broken(place, "not valid JSON", cause);
  }
}

/** Reads `manifest.json` of a docker-archive. Throws `INVALID_ARGUMENT` when its shape is wrong. */
export function readDockerEntries(bytes: Uint8Array, place: Place): readonly DockerEntry[] {
  const value = parseJson(bytes, place);
  if (!Array.isArray(value) || value.length > maxImages) throw broken(place, "expected a list of images");
  return value.map((item: unknown) => {
    if (!isRecord(item) || typeof item.Config !== "string") throw broken(place, "an image has no Config");
    const repoTags = item.RepoTags ?? [];
    const layers = item.Layers ?? [];
    if (!isTextList(repoTags)) throw broken(place, "RepoTags is no list of names");
    if (!isTextList(layers)) throw broken(place, "Layers is no list of paths");
    return { config: cleanPath(item.Config, place), repoTags, layers: layers.map((layer) => cleanPath(layer, place)) };
  });
}

/** Reads an image index. Throws `INVALID_ARGUMENT` when its shape is wrong. */
export function readIndexDocument(bytes: Uint8Array, place: Place): IndexDocument {
  const value = parseJson(bytes, place);
  if (!isRecord(value) || !Array.isArray(value.manifests) || value.manifests.length > maxImages) {
    throw broken(place, "expected an image index");
  }
  return { manifests: value.manifests.map((item) => readDescriptor(item, place)) };
}

/** Reads a descriptor; unknown members are left out. Throws `INVALID_ARGUMENT` when it has no type, digest or size. */
export function readDescriptor(value: unknown, place: Place): Descriptor {
  if (!isRecord(value)) throw broken(place, "a descriptor is no object");
  const { mediaType, digest, size, annotations, platform } = value;
  if (typeof mediaType !== "string") throw broken(place, "a descriptor has no mediaType");
  if (!isDigest(digest)) throw broken(place, "a descriptor has no valid digest");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw broken(place, "a descriptor has no valid size");
  }
  return {
    mediaType,
    digest,
    size,
    ...(isPlatform(platform) ? { platform } : {}),
    ...(isTextRecord(annotations) ? { annotations } : {}),
  };
}

/** Makes the error for a document that is not what it should be. */
export function broken(place: Place, state: string, cause?: unknown): Error {
  return place.kit.error("INVALID_ARGUMENT", `Cannot read "${place.path}" of "${place.label}": ${state}`, { cause });
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cleanPath(path: string, place: Place): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") || parts.includes("..") || parts.length === 0) {
    throw broken(place, `path "${path.slice(0, 200)}" leads out of the archive`);
  }
  return parts.join("/");
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === "string");
}

function isPlatform(value: unknown): value is Platform {
  return isRecord(value) && typeof value.os === "string" && typeof value.architecture === "string";
}
