import type { Call } from "../contract/call.ts";
import type { NameChange, Store } from "../contract/store.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { appendChainId } from "../oci/chain_id.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { readImage } from "../build/base_image.ts";
import { collectGarbage } from "../store/collect.ts";
import { imageIdName, layerName, NamePrefix, readCacheRecord, rememberedPrefixes } from "../store/names.ts";
import { addContent, contentOf, type ContentSet } from "./content_set.ts";
import { rootsOf, type StoredImage } from "./stored_image.ts";

/**
 * What removing images needs of an engine.
 *
 * @example Remove with an engine
 * ```ts
 * import { createCall, type RemoveEngine, removeImages, type RemoveResult } from "@strata/strata";
 *
 * const remove = (engine: RemoveEngine, image: string): Promise<RemoveResult> =>
 *   removeImages(engine, { images: [image] }, createCall());
 * ```
 */
export type RemoveEngine = Pick<Engine, "store" | "config">;

/** What is to go. */
export interface RemovalRequest {
  /** Canonical names to take away. */
  readonly names: readonly string[];
  /** Images to delete, in order. */
  readonly images: readonly StoredImage[];
  /** Images that stay. */
  readonly remaining: readonly StoredImage[];
  /** Whether cache records of layers that only these images have stay, and with them the layers. */
  readonly keepsCache: boolean;
}

/** What a removal does: a list of changes that can be looked at before it is carried out. */
export interface Removal {
  /** Changes of names, applied as one. */
  readonly changes: readonly NameChange[];
  /** By image ID: chain IDs of the layers that go with it, top first. A layer of several goes with the last of them. */
  readonly layers: ReadonlyMap<Digest, readonly Digest[]>;
  /** Bytes of the blobs that nothing needs afterwards. */
  readonly reclaimed: number;
}

/** Works out a removal without doing anything. */
export async function planRemoval(store: Store, request: RemovalRequest, call: Call): Promise<Removal> {
  const { images, remaining } = request;
  const changes: NameChange[] = request.names.map((name) => change(`${NamePrefix.reference}${name}`));
  changes.push(...images.map(({ id }) => change(imageIdName(id))));
  if (images.length === 0) return { changes, layers: new Map(), reclaimed: 0 };
  const going = await contentOf(store, rootsOf(images), call);
  const staying = await contentOf(store, rootsOf(remaining), call);
  for (const digest of staying.keys()) going.delete(digest);
  const dropped = await dropCache(store, { going, staying, keepsCache: request.keepsCache }, call);
  changes.push(...dropped.map(change));
  for (const digest of staying.keys()) going.delete(digest);
  const layers = new Map<Digest, readonly Digest[]>();
  const diffIds = new Set<Digest>();
  const seen = new Set<Digest>();
  for (const image of images.toReversed()) {
    const gone = await layersOf(store, { image, going, seen }, call);
    layers.set(image.id, gone.map(({ chainId }) => chainId).toReversed());
    for (const { diffId } of gone) diffIds.add(diffId);
  }
  const blobs = [...going.values()].reduce((bytes, { size }) => bytes + size, 0);
  return { changes, layers, reclaimed: blobs + await tableBytes(store, diffIds, call) };
}

/**
 * Carries a removal out: takes the names away in one step, then removes the blobs that nothing needs, those included that killed
 * processes left, and the snapshots of layers that are gone. Gives the bytes removed. When another process collects at this moment, the blobs are left to it or to the next
 * collection, and the bytes are those that were worked out.
 */
export async function carryOut(engine: RemoveEngine, removal: Removal, call: Call): Promise<number> {
  const { store, config } = engine;
  if (removal.changes.length > 0) await store.update(removal.changes, call);
  try {
    const { reclaimedBytes, keeps } = await collectGarbage(store, call);
    return reclaimedBytes + await removeSnapshots(config.root, keeps, call);
  } catch (error) {
    if (!isEngineError(error) || error.code !== "CONFLICT") throw error;
    return removal.reclaimed;
  }
}

/** Removes the snapshots of layers that are not kept, and gives their bytes. Where a build uses some, they are left to a later time. */
export async function removeSnapshots(root: string, keeps: (diffId: Digest) => boolean, call: Call): Promise<number> {
  const { sweepSnapshots } = await import("../snapshot/sweep.ts");
  const { reclaimed, left } = await sweepSnapshots(root, keeps);
  for (const path of left) {
    const message = `Cannot remove "${path}": it has files of other users`;
    call.emit({ type: "warning", code: "snapshot-left", message });
  }
  return reclaimed;
}

/** Names of cache records that go; what the others keep is added to `staying`. */
async function dropCache(
  store: Store,
  sets: { readonly going: ContentSet; readonly staying: ContentSet; readonly keepsCache: boolean },
  call: Call,
): Promise<readonly string[]> {
  const { going, staying, keepsCache } = sets;
  const dropped: string[] = [];
  for (const prefix of rememberedPrefixes) {
    for await (const { name, descriptor } of store.names(prefix, call)) {
      const isOfImage = going.has(descriptor.digest) && prefix !== NamePrefix.fetch;
      const isKept = keepsCache && prefix === NamePrefix.cache;
      if (isOfImage && !isKept) dropped.push(name);
      else await addContent(staying, { source: store, root: descriptor }, call);
    }
  }
  return dropped;
}

interface GoneLayer {
  readonly diffId: Digest;
  readonly chainId: Digest;
}

async function layersOf(
  store: Store,
  at: { readonly image: StoredImage; readonly going: ContentSet; readonly seen: Set<Digest> },
  call: Call,
): Promise<readonly GoneLayer[]> {
  const gone: GoneLayer[] = [];
  const own = await contentOf(store, rootsOf([at.image]), call);
  for (const descriptor of own.values()) {
    if (!isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType)) continue;
    const image = await readImage(store, descriptor, call).catch(ignoreBroken);
    let chainId: Digest | undefined;
    for (const layer of image?.chain.layers ?? []) {
      chainId = await appendChainId(chainId, layer.diffId);
      if (!at.going.has(layer.descriptor.digest) || at.seen.has(chainId)) continue;
      at.seen.add(chainId);
      gone.push({ diffId: layer.diffId, chainId });
    }
  }
  return gone;
}

function ignoreBroken(error: unknown): undefined {
  if (isEngineError(error) && ["NOT_FOUND", "CONTENT_MISMATCH", "UNSUPPORTED"].includes(error.code)) return undefined;
  throw error;
}

/** Bytes of the tables of contents that go with their layers, where no cache record keeps the layer under another digest. */
async function tableBytes(store: Store, diffIds: ReadonlySet<Digest>, call: Call): Promise<number> {
  const kept = new Set<Digest>();
  for await (const { descriptor } of store.names(NamePrefix.cache, call)) {
    const record = readCacheRecord(descriptor);
    if (record !== undefined && !diffIds.has(record.diffId)) kept.add(record.diffId);
  }
  let bytes = 0;
  for (const diffId of diffIds) {
    const table = kept.has(diffId) ? undefined : await store.resolve(layerName(diffId), call);
    bytes += table?.size ?? 0;
  }
  return bytes;
}

function change(name: string): NameChange {
  return { name, descriptor: undefined };
}
