import type { ByteStream, Call, Descriptor, Digest, Kit, Named, TransportSource } from "../../core/contract/mod.ts";
import {
  broken,
  digestOfPath,
  type DockerEntry,
  isDigest,
  isRecord,
  parseJson,
  readDockerEntries,
} from "./documents.ts";
import { type Files, readDocument } from "./files.ts";
import { byName } from "./named.ts";
import { namesOf, plainSource } from "./places.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar";

type Blob = { readonly path: string } | { readonly bytes: Uint8Array<ArrayBuffer> };

interface Reading {
  readonly files: Files;
  readonly kit: Kit;
  readonly call: Call;
  /** What each digest stands for. */
  readonly blobs: Map<Digest, Blob>;
  /** Layers by path, so that one that several images share is looked at once. */
  readonly layers: Map<string, Descriptor>;
}

/**
 * Reads the `manifest.json` form of `docker save`. An archive holds no manifests, so each image gets one made of its config and
 * layers; a plain layer's digest is the diffID in the config, so no layer is read before it is copied. Names are as in `RepoTags`,
 * or `@<digest>` for an image without. Takes over `files`. Rejects `INVALID_ARGUMENT`.
 */
export async function openDockerSource(files: Files, kit: Kit, call: Call): Promise<TransportSource> {
  const place = { kit, label: files.label, path: "manifest.json" };
  const bytes = await readDocument(files, "manifest.json", { kit, call });
  if (bytes === undefined) throw broken(place, "missing, expected an archive of docker save");
  const reading: Reading = { files, kit, call, blobs: new Map(), layers: new Map() };
  const named = new Map<string, Named>();
  for (const entry of readDockerEntries(bytes, place)) {
    const descriptor = await readImage(entry, reading);
    const names = entry.repoTags.length > 0 ? entry.repoTags : [`@${descriptor.digest}`];
    for (const name of names) {
      const known = named.get(name);
      if (known !== undefined && known.descriptor.digest !== descriptor.digest) {
        throw broken(place, `two images are named "${name}"`);
      }
      named.set(name, { name, descriptor });
    }
  }
  const sorted = byName([...named.values()]);
  return {
    ...namesOf(sorted),
    ...plainSource,
    resolve: (name) => Promise.resolve(named.get(name)?.descriptor),
    open: (descriptor, openCall, offset) => openBlob(descriptor, { reading, offset: offset ?? 0 }, openCall),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

async function readImage(entry: DockerEntry, reading: Reading): Promise<Descriptor> {
  const { files, kit, call, blobs } = reading;
  const place = { kit, label: files.label, path: entry.config };
  const configBytes = await readDocument(files, entry.config, { kit, call });
  if (configBytes === undefined) throw broken(place, "missing from the archive");
  const diffIds = readDiffIds(configBytes, place);
  if (diffIds.length !== entry.layers.length) {
    throw broken(place, `${diffIds.length} diffIDs, expected ${entry.layers.length}, one per layer`);
  }
  const config = { mediaType: configType, digest: await kit.sha256(configBytes), size: configBytes.length };
  blobs.set(config.digest, { path: entry.config });
  const layers: Descriptor[] = [];
  for (const [at, path] of entry.layers.entries()) layers.push(await readLayer(path, diffIds[at], reading));
  const text = kit.canonicalJson({
    schemaVersion: 2,
    mediaType: manifestType,
    config,
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  });
  const bytes = new TextEncoder().encode(text);
  const digest = await kit.sha256(bytes);
  blobs.set(digest, { bytes });
  return { mediaType: manifestType, digest, size: bytes.length };
}

function readDiffIds(bytes: Uint8Array, place: { kit: Kit; label: string; path: string }): readonly Digest[] {
  const config = parseJson(bytes, place);
  const rootfs = isRecord(config) ? config.rootfs : undefined;
  const diffIds = isRecord(rootfs) ? rootfs.diff_ids ?? [] : undefined;
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest)) throw broken(place, "no valid rootfs.diff_ids");
  return diffIds;
}

async function readLayer(path: string, diffId: Digest | undefined, reading: Reading): Promise<Descriptor> {
  const known = reading.layers.get(path);
  if (known !== undefined) return known;
  const size = await reading.files.size(path);
  const place = { kit: reading.kit, label: reading.files.label, path };
  if (size === undefined || diffId === undefined) throw broken(place, "missing from the archive");
  const codec = await compressionOf(path, reading);
  const digest = codec === "" ? diffId : digestOfPath(path) ?? await hashOf(path, reading);
  const descriptor = { mediaType: `${layerType}${codec}`, digest, size };
  reading.layers.set(path, descriptor);
  reading.blobs.set(digest, { path });
  return descriptor;
}

async function compressionOf(path: string, reading: Reading): Promise<"" | "+gzip" | "+zstd"> {
  const reader = (await reading.files.open(path, reading.call)).getReader();
  try {
    const { value } = await reader.read();
    const [a = 0, b = 0, c = 0, d = 0] = value ?? [];
    if (a === 0x1f && b === 0x8b) return "+gzip";
    return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd ? "+zstd" : "";
  } finally {
    await reader.cancel();
  }
}

async function hashOf(path: string, reading: Reading): Promise<Digest> {
  const hashing = reading.kit.hashing();
  const stream = await reading.files.open(path, reading.call);
  await stream.pipeThrough(hashing.through).pipeTo(new WritableStream());
  return hashing.result().digest;
}

async function openBlob(
  descriptor: Descriptor,
  options: { readonly reading: Reading; readonly offset: number },
  call: Call,
): Promise<ByteStream> {
  const { reading, offset } = options;
  const blob = reading.blobs.get(descriptor.digest);
  if (blob === undefined) {
    const message = `Cannot open "${descriptor.digest}" of "${reading.files.label}": not in the archive`;
    throw reading.kit.error("NOT_FOUND", message, { detail: { kind: "blob", name: descriptor.digest } });
  }
  if ("path" in blob) return await reading.files.open(blob.path, call, offset);
  const rest = blob.bytes.slice(offset);
  return new ReadableStream({
    start(controller): void {
      if (rest.length > 0) controller.enqueue(rest);
      controller.close();
    },
  });
}
