import type { KeptLayer } from "../build/cache.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import { EngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isDigest, sha256 } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import { essence, isManifestType, MediaType } from "../oci/media_type.ts";
import { readManifest } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { isLayerType } from "./content_kind.ts";

/** A document with its descriptor. */
interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Version of the list of records. */
const version = 1;

/** UTF-16 code units of an instruction that are kept: it is for people, and a list of records has a bound. */
const maxInstruction = 1024;

/** What a manifest lists that has no layers (image-spec, manifest.md, "Guidance for an Empty Descriptor"). */
const emptyBytes = new TextEncoder().encode("{}");

/** The documents of a shared cache. */
export interface CacheDocuments {
  readonly manifest: Document;
  /** What the manifest refers to besides layers. */
  readonly blobs: readonly Document[];
}

/**
 * The documents of a shared cache: an artifact manifest (image-spec, manifest.md) whose config is the
 * list of records and whose layers are theirs, each once. The same records give the same bytes in whatever order they come.
 */
export async function writeCacheManifest(records: readonly KeptLayer[]): Promise<CacheDocuments> {
  const sorted = [...records].sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  const list = sorted.map(({ key, layer: { descriptor, diffId, created }, instruction, operation, shortcut }) => ({
    ...{ key, layer: descriptor.digest, diffId, created, operation, shortcut },
    instruction: instruction.slice(0, maxInstruction),
  }));
  const layers = new Map(sorted.map(({ layer: { descriptor: { mediaType, digest, size } } }) => [
    digest,
    { mediaType, digest, size },
  ]));
  const config = await documentOf(
    new TextEncoder().encode(canonicalJson({ version, records: list })),
    MediaType.cacheConfig,
  );
  const empty = await documentOf(emptyBytes, MediaType.empty);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    artifactType: MediaType.cacheConfig,
    config: config.descriptor,
    layers: layers.size === 0 ? [empty.descriptor] : [...layers.values()],
  };
  const document = await documentOf(new TextEncoder().encode(canonicalJson(manifest)), MediaType.manifest);
  return { manifest: document, blobs: layers.size === 0 ? [empty, config] : [config] };
}

async function documentOf(bytes: Uint8Array<ArrayBuffer>, mediaType: string): Promise<Document> {
  return { descriptor: { mediaType, digest: await sha256(bytes), size: bytes.length }, bytes };
}

/**
 * The records of a shared cache; `source` checks what it gives. Rejects `UNSUPPORTED` for what is no cache of this form, and
 * `CONTENT_MISMATCH` when a record is broken: then none of them is believed.
 */
export async function readCacheManifest(
  source: Pick<ContentSource, "names" | "resolve" | "open">,
  { descriptor, name }: { readonly descriptor: Descriptor; readonly name: string },
  call: Call,
): Promise<readonly KeptLayer[]> {
  if (!isManifestType(descriptor.mediaType)) throw noCache(name, descriptor.mediaType);
  const { config, layers } = readManifest(await readDocument(source, descriptor, call), descriptor.mediaType);
  if (essence(config.mediaType) !== MediaType.cacheConfig) throw noCache(name, config.mediaType);
  const byDigest = new Map(layers.map((layer) => [layer.digest as string, layer]));
  const { records } = readList(await readDocument(source, config, call), name);
  const found = records.map((record, i) => readRecord(record, { name, at: `records[${i}]`, byDigest }));
  const keys = new Set(found.map(({ key }) => key));
  if (keys.size < found.length) throw broken(name, "a key twice", "each key once");
  return found;
}

function readList(bytes: Uint8Array<ArrayBuffer>, name: string): { readonly records: readonly unknown[] } {
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw broken(name, "no JSON", "a list of records", cause);
  }
  if (!isRecord(list)) throw broken(name, "no object", "a list of records");
  const { records } = list;
  if (list["version"] !== version) {
    const found = JSON.stringify(list["version"] ?? null).slice(0, 40);
    throw new EngineError("UNSUPPORTED", `Cannot read cache "${name}": its version is ${found}, expected ${version}`, {
      detail: { what: `cache version ${found}`, known: [version] },
    });
  }
  if (!Array.isArray(records)) throw broken(name, "no records", "a list of records");
  return { records };
}

function readRecord(
  value: unknown,
  { name, at, byDigest }: {
    readonly name: string;
    readonly at: string;
    readonly byDigest: ReadonlyMap<string, Descriptor>;
  },
): KeptLayer {
  const record = isRecord(value) ? value : {};
  const wrong = (field: string, expected: string): EngineError =>
    broken(name, `${at}.${field} ${JSON.stringify(record[field] ?? null).slice(0, 120)}`, expected);
  const key = (field: string): string => {
    const text = record[field];
    if (typeof text === "string" && /^[0-9a-f]{64}$/.test(text)) return text;
    throw wrong(field, "64 hex digits");
  };
  const { layer: digest, diffId, created, instruction } = record;
  const descriptor = typeof digest === "string" ? byDigest.get(digest) : undefined;
  if (descriptor === undefined || !isLayerType(descriptor.mediaType)) throw wrong("layer", "a layer of the manifest");
  if (typeof diffId !== "string" || !isDigest(diffId) || !diffId.startsWith("sha256:")) {
    throw wrong("diffId", "a sha256 digest");
  }
  if (typeof created !== "string" || !isTime(created)) throw wrong("created", "a time");
  if (typeof instruction !== "string") throw wrong("instruction", "a text");
  const { mediaType, size } = descriptor;
  return {
    key: key("key"),
    layer: { descriptor: { mediaType, digest: descriptor.digest, size }, diffId, created },
    instruction: instruction.slice(0, maxInstruction),
    ...(record["operation"] === undefined ? {} : { operation: key("operation") }),
    ...(record["shortcut"] === undefined ? {} : { shortcut: key("shortcut") }),
  };
}

/** Times as strata writes them; they get into the history of images. */
function isTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/.test(text) && !Number.isNaN(Date.parse(text));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noCache(name: string, mediaType: string): EngineError {
  return new EngineError("UNSUPPORTED", `Cannot read cache "${name}": it is a "${mediaType.slice(0, 120)}"`, {
    detail: { what: mediaType.slice(0, 120), known: [MediaType.cacheConfig] },
    hint: "Name what strata build --cache-to wrote",
  });
}

function broken(name: string, actual: string, expected: string, cause?: unknown): EngineError {
  return new EngineError("CONTENT_MISMATCH", `Cannot read cache "${name}": found ${actual}, expected ${expected}`, {
    detail: { actual, expected },
    ...(cause === undefined ? {} : { cause }),
  });
}
