import type { Call } from "../../core/contract/call.ts";
import type { LayerEntry } from "../../core/contract/layer.ts";
import type { Store } from "../../core/contract/store.ts";
import { recordImage } from "../../core/image/image_record.ts";
import { readRecord } from "../../core/image/stored_image.ts";
import { packLayer } from "../../core/layer/pack.ts";
import { canonicalJson } from "../../core/oci/canonical_json.ts";
import type { Descriptor, Digest, Platform } from "../../core/oci/descriptor.ts";
import { sha256 } from "../../core/oci/digest.ts";
import type { ExecConfig, History } from "../../core/oci/image_config.ts";
import { MediaType } from "../../core/oci/media_type.ts";
import { parseReference } from "../../core/oci/reference.ts";
import { imageIdName, imageName } from "../../core/store/names.ts";
import { streamOf } from "../../core/stream/byte_stream.ts";
import { collect } from "../../core/stream/collect.ts";

/** An image for a test. */
export interface ImageFixture {
  /** Layers, base first: text files by path; `null` is a whiteout, a path that ends in `/` a directory. */
  readonly layers: readonly Readonly<Record<string, string | null>>[];
  /** Names; dangling without. */
  readonly names?: readonly string[];
  /** When it was made; 2024-01-01T00:00:00Z when left out. */
  readonly created?: string;
  readonly exec?: ExecConfig;
  readonly platform?: Platform;
  /** History; one entry for each layer when left out. */
  readonly history?: readonly History[];
  /** Whether the layers are stored with gzip. */
  readonly gzip?: boolean;
}

/** A stored image. */
export interface StoredFixture {
  readonly id: Digest;
  /** With the store's annotations. */
  readonly descriptor: Descriptor;
  /** Layers as stored. */
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
}

/** Stores an image and names it. */
export async function putImage(store: Store, fixture: ImageFixture, call: Call): Promise<StoredFixture> {
  const content = await putContent(store, fixture, call);
  const descriptor = await recordImage(store, content.manifest, call);
  const { id } = readRecord(descriptor);
  await nameImage(store, { id, descriptor, names: fixture.names ?? [] }, call);
  return { id, descriptor, layers: content.layers, diffIds: content.diffIds };
}

/** Stores an index of images, one for each platform, and names it. */
export async function putIndex(
  store: Store,
  fixture: { readonly images: readonly ImageFixture[]; readonly names?: readonly string[] },
  call: Call,
): Promise<{ readonly id: Digest; readonly descriptor: Descriptor; readonly manifests: readonly Descriptor[] }> {
  const manifests: Descriptor[] = [];
  for (const image of fixture.images) {
    const { manifest } = await putContent(store, image, call);
    manifests.push({ ...manifest, platform: image.platform ?? defaultPlatform });
  }
  const index = await putJson(
    store,
    MediaType.index,
    { schemaVersion: 2, mediaType: MediaType.index, manifests },
    call,
  );
  const descriptor = await recordImage(store, index, call);
  await nameImage(store, { id: index.digest, descriptor, names: fixture.names ?? [] }, call);
  return { id: index.digest, descriptor, manifests };
}

const defaultPlatform: Platform = { os: "linux", architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64" };

async function putContent(
  store: Store,
  fixture: ImageFixture,
  call: Call,
): Promise<{ manifest: Descriptor; layers: readonly Descriptor[]; diffIds: readonly Digest[] }> {
  const layers: Descriptor[] = [];
  const diffIds: Digest[] = [];
  for (const files of fixture.layers) {
    const packed = await packLayer(entriesOf(files), { store }, call);
    diffIds.push(packed.diffId);
    layers.push(fixture.gzip === true ? await compress(store, packed.descriptor, call) : bare(packed.descriptor));
  }
  const { os, architecture, variant } = fixture.platform ?? defaultPlatform;
  const created = fixture.created ?? "2024-01-01T00:00:00Z";
  const config = await putJson(store, MediaType.config, {
    created,
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config: fixture.exec ?? {},
    rootfs: { type: "layers", diff_ids: diffIds },
    history: fixture.history ?? layers.map((_, at) => ({ created, created_by: `COPY ${at} /` })),
  }, call);
  const manifest = await putJson(store, MediaType.manifest, {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config,
    layers,
  }, call);
  return { manifest, layers, diffIds };
}

async function* entriesOf(files: Readonly<Record<string, string | null>>): AsyncGenerator<LayerEntry> {
  const folders = new Set<string>();
  for (const [path, text] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const parts = path.replace(/\/$/, "").split("/");
    for (let count = 1; count < parts.length + (path.endsWith("/") ? 1 : 0); count++) {
      const folder = parts.slice(0, count).join("/");
      if (folders.has(folder)) continue;
      folders.add(folder);
      yield { type: "directory", path: folder, mode: 0o755, uid: 0, gid: 0, mtime: 0 };
    }
    if (path.endsWith("/")) continue;
    if (text === null) {
      yield { type: "whiteout", path };
      continue;
    }
    const content = new TextEncoder().encode(text);
    yield { type: "file", path, mode: 0o644, uid: 0, gid: 0, mtime: 0, size: content.length, content };
  }
}

async function compress(store: Store, plain: Descriptor, call: Call): Promise<Descriptor> {
  const bytes = await collect(await store.open(plain, call), plain.size);
  const squeezed = streamOf(bytes).pipeThrough(new CompressionStream("gzip"));
  return await store.ingest(squeezed, MediaType.layerGzip, call);
}

async function putJson(store: Store, mediaType: string, value: unknown, call: Call): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  const descriptor = { mediaType, digest: await sha256(bytes), size: bytes.length };
  await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
  return descriptor;
}

async function nameImage(
  store: Store,
  image: { readonly id: Digest; readonly descriptor: Descriptor; readonly names: readonly string[] },
  call: Call,
): Promise<void> {
  const { id, descriptor, names } = image;
  await store.update([
    { name: imageIdName(id), descriptor },
    ...names.map((name) => ({ name: imageName(parseReference(name)), descriptor })),
  ], call);
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
