import { EngineError } from "../errors.ts";
import type { Descriptor } from "./descriptor.ts";
import { isDigest } from "./digest.ts";
import type { History, ImageConfig } from "./image_config.ts";
import type { ImageIndex, Manifest } from "./manifest.ts";
import { essence, isIndexType, isManifestType, MediaType } from "./media_type.ts";

/** Largest manifest, index or config that is read, in bytes. Registries commonly take 4 MiB. */
export const maxDocumentBytes = 8 * 1024 * 1024;

/** Levels of objects and lists that a document may have; the deepest that the specification knows has six. */
const maxNesting = 64;

type JsonObject = Record<string, unknown>;

/**
 * Reads and checks an image manifest, OCI or Docker schema 2 (image-spec, manifest.md). The bytes stay what they are: keep them for
 * the digest. Throws `CONTENT_MISMATCH` for a broken document and `UNSUPPORTED` for another kind of document.
 */
export function readManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  const doc = readDocument(bytes, "manifest");
  const type = checkType(doc, mediaType, "manifest");
  if (type !== undefined && !isManifestType(type)) throw unsupportedType(type);
  if ("manifests" in doc) throw broken("manifest", '"manifests" beside "config"', "one kind of document");
  return {
    ...(doc as Partial<Manifest>),
    schemaVersion: 2,
    config: readDescriptor(doc["config"], "manifest", "config"),
    layers: readDescriptors(doc["layers"], "manifest", "layers"),
  };
}

/** Reads and checks an image index or a Docker manifest list (image-spec, image-index.md). Throws as {@linkcode readManifest} does. */
export function readIndex(bytes: Uint8Array, mediaType?: string): ImageIndex {
  const doc = readDocument(bytes, "image index");
  const type = checkType(doc, mediaType, "image index");
  if (type !== undefined && !isIndexType(type)) throw unsupportedType(type);
  if ("layers" in doc || "config" in doc) {
    throw broken("image index", '"layers" or "config" beside "manifests"', "one kind of document");
  }
  return {
    ...(doc as Partial<ImageIndex>),
    schemaVersion: 2,
    manifests: readDescriptors(doc["manifests"], "image index", "manifests"),
  };
}

/**
 * Reads and checks an image config (image-spec, config.md). Members that are null, as Go writes empty ones, are left out. Throws
 * `CONTENT_MISMATCH`.
 */
export function readImageConfig(bytes: Uint8Array): ImageConfig {
  const doc = withoutNulls(readJson(bytes, "image config"));
  const what = "image config";
  for (const field of ["architecture", "os"]) requireString(doc[field], what, field);
  for (const field of ["created", "author", "variant", "os.version"]) checkString(doc[field], what, field);
  checkStrings(doc["os.features"], what, "os.features");
  const rootfs = requireObject(doc["rootfs"], what, "rootfs");
  if (rootfs["type"] !== "layers") throw broken(what, `rootfs.type ${show(rootfs["type"])}`, '"layers"');
  const diffIds = rootfs["diff_ids"] ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === "string" && isDigest(id))) {
    throw broken(what, `rootfs.diff_ids ${show(diffIds)}`, "a list of digests");
  }
  checkExecConfig(doc["config"]);
  const history = readHistory(doc["history"], diffIds.length);
  return {
    ...(doc as Partial<ImageConfig> & { os: string; architecture: string }),
    rootfs: { type: "layers", diff_ids: diffIds },
    ...(history === undefined ? {} : { history }),
  };
}

function checkExecConfig(value: unknown): void {
  if (value === undefined) return;
  const config = requireObject(value, "image config", "config");
  const what = "image config";
  for (const field of ["Env", "Cmd", "Entrypoint", "Shell", "OnBuild"]) {
    checkStrings(config[field], what, `config.${field}`);
  }
  for (const field of ["ExposedPorts", "Volumes"]) {
    const map = config[field];
    if (map !== undefined && !isObject(map)) throw broken(what, `config.${field} ${show(map)}`, "an object");
  }
  const labels = config["Labels"];
  if (labels !== undefined && !isStringMap(labels)) {
    throw broken(what, `config.Labels ${show(labels)}`, "an object of strings");
  }
  for (const field of ["User", "WorkingDir", "StopSignal"]) checkString(config[field], what, `config.${field}`);
  const healthcheck = config["Healthcheck"];
  if (healthcheck === undefined) return;
  checkStrings(requireObject(healthcheck, what, "config.Healthcheck")["Test"], what, "config.Healthcheck.Test");
}

function readHistory(value: unknown, layerCount: number): readonly History[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every(isObject)) {
    throw broken("image config", `history ${show(value)}`, "a list of objects");
  }
  const count = value.filter((entry) => entry["empty_layer"] !== true).length;
  if (value.length > 0 && count > layerCount) {
    throw broken("image config", `${count} history entries with a layer`, `at most ${layerCount}, one for each diffID`);
  }
  return value.map((entry, i) => readHistoryEntry(withoutNulls(entry), `history[${i}]`));
}

function readHistoryEntry(entry: JsonObject, where: string): History {
  for (const field of ["created", "created_by", "author", "comment"]) {
    checkString(entry[field], "image config", `${where}.${field}`);
  }
  const isEmpty = entry["empty_layer"];
  if (isEmpty === undefined || typeof isEmpty === "boolean") return entry;
  throw broken("image config", `${where}.empty_layer ${show(isEmpty)}`, "true or false");
}

/** Checks a descriptor that came from outside; `where` names it in the error. Throws `CONTENT_MISMATCH`. */
export function readDescriptor(value: unknown, what: string, where: string): Descriptor {
  const doc = requireObject(value, what, where);
  const mediaType = requireString(doc["mediaType"], what, `${where}.mediaType`);
  const digest = requireString(doc["digest"], what, `${where}.digest`);
  if (!isDigest(digest)) throw broken(what, `${where}.digest ${show(digest)}`, "sha256: and 64 hex digits");
  const size = doc["size"];
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw broken(what, `${where}.size ${show(size)}`, "a number of bytes");
  }
  const annotations = doc["annotations"] ?? undefined;
  if (annotations !== undefined && !isStringMap(annotations)) {
    throw broken(what, `${where}.annotations ${show(annotations)}`, "an object of strings");
  }
  const platform = doc["platform"] ?? undefined;
  if (platform !== undefined) {
    const members = requireObject(platform, what, `${where}.platform`);
    for (const field of ["os", "architecture"]) requireString(members[field], what, `${where}.platform.${field}`);
    for (const field of ["variant", "os.version"]) {
      checkString(members[field] ?? undefined, what, `${where}.platform.${field}`);
    }
    checkStrings(members["os.features"] ?? undefined, what, `${where}.platform.os.features`);
  }
  checkStrings(doc["urls"] ?? undefined, what, `${where}.urls`);
  return { ...(withoutNulls(doc) as Partial<Descriptor>), mediaType, digest, size };
}

function readDescriptors(value: unknown, what: string, where: string): Descriptor[] {
  if (!Array.isArray(value)) throw broken(what, `${where} ${show(value)}`, "a list of descriptors");
  return value.map((entry, i) => readDescriptor(entry, what, `${where}[${i}]`));
}

function readDocument(bytes: Uint8Array, what: string): JsonObject {
  const doc = readJson(bytes, what);
  if (doc["schemaVersion"] === 1) throw unsupportedType(MediaType.dockerManifestV1Signed);
  if (doc["schemaVersion"] !== 2) throw broken(what, `schemaVersion ${show(doc["schemaVersion"])}`, "2");
  return doc;
}

function readJson(bytes: Uint8Array, what: string): JsonObject {
  if (bytes.length > maxDocumentBytes) throw broken(what, `${bytes.length} bytes`, `at most ${maxDocumentBytes}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw broken(what, "no JSON text", "JSON", cause);
  }
  if (!isShallow(value, maxNesting)) throw broken(what, "a document nested too deep", `at most ${maxNesting} levels`);
  return requireObject(value, what, "the document");
}

/** Whether a value is nested at most so many levels deep; what handles it later may then call itself for each level. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}

function checkType(doc: JsonObject, given: string | undefined, what: string): string | undefined {
  const own = doc["mediaType"];
  if (own !== undefined && typeof own !== "string") throw broken(what, `mediaType ${show(own)}`, "a string");
  if (own !== undefined && given !== undefined && essence(own) !== essence(given)) {
    throw broken(what, `mediaType ${show(own)}`, show(given));
  }
  return given ?? own;
}

/** A copy without null members, at any depth of plain objects. */
function withoutNulls(value: JsonObject): JsonObject {
  const pairs = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(pairs.map(([key, member]) => [key, isObject(member) ? withoutNulls(member) : member]));
}

function requireObject(value: unknown, what: string, where: string): JsonObject {
  if (isObject(value)) return value;
  throw broken(what, `${where} ${show(value)}`, "an object");
}

/** Checks what may be left out. */
function checkString(value: unknown, what: string, where: string): void {
  if (value !== undefined) requireString(value, what, where);
}

/** Checks what may be left out. */
function checkStrings(value: unknown, what: string, where: string): void {
  if (value !== undefined && !isStringList(value)) throw broken(what, `${where} ${show(value)}`, "a list of strings");
}

function requireString(value: unknown, what: string, where: string): string {
  if (typeof value === "string") return value;
  throw broken(what, `${where} ${show(value)}`, "a string");
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function isStringMap(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((entry) => typeof entry === "string");
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value).slice(0, 120);
}

function broken(what: string, actual: string, expected: string, cause?: unknown): EngineError {
  return new EngineError("CONTENT_MISMATCH", `Cannot read ${what}: found ${actual}, expected ${expected}`, {
    detail: { actual, expected },
    ...(cause === undefined ? {} : { cause }),
  });
}

function unsupportedType(mediaType: string): EngineError {
  const isOld = mediaType.includes("manifest.v1+");
  const shown = mediaType.slice(0, 120);
  return new EngineError(
    "UNSUPPORTED",
    `Cannot read manifest of type "${shown}": ${isOld ? "Docker schema 1 is obsolete" : "it is no image"}`,
    {
      detail: {
        what: shown,
        known: [MediaType.manifest, MediaType.index, MediaType.dockerManifest, MediaType.dockerManifestList],
      },
      ...(isOld ? { hint: "Push the image again with a current client" } : {}),
    },
  );
}
