import type { Call } from "../contract/call.ts";
import type { Named } from "../contract/content.ts";
import type { BlobInfo, NameChange, Store } from "../contract/store.ts";
import { isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { essence, MediaType } from "../oci/media_type.ts";
import { readImageConfig } from "../oci/validate.ts";
import { readDocument, readReferences } from "./graph.ts";
import { NamePrefix, parseCompressedName, parseLayerName, readCacheRecord, rememberedPrefixes } from "./names.ts";

/** What a collection did. */
export interface Collected {
  /** Blobs that are gone, in no order. */
  readonly removed: readonly BlobInfo[];
  /** Their bytes. */
  readonly reclaimedBytes: number;
  /** Whether a layer with a diffID is kept, however it is compressed. */
  readonly keeps: (diffId: Digest) => boolean;
}

/**
 * Removes every blob that no name needs. Names under `ref/`, `image/`, `cache/`, `fetch/`, `build/` and `result/` keep what they point
 * at and what that refers to; a table of contents under `layer/` and the forms of a layer under `compressed/` stay as long as
 * the layer does, and what is known under `origin/` as long as its blob. Names of the build cache whose content is gone are dropped. Rejects `CONFLICT` while another process collects.
 */
export async function collectGarbage(store: Store, call: Call): Promise<Collected> {
  const removed: BlobInfo[] = [];
  const marks: Marks = { digests: new Set(), diffIds: new Set(), hasCache: false };
  for await (const blob of store.collect(() => markNamed(store, marks, call), call)) removed.push(blob);
  const keeps = (diffId: Digest): boolean => marks.diffIds.has(diffId) || marks.digests.has(diffId);
  return { removed, reclaimedBytes: removed.reduce((bytes, blob) => bytes + blob.size, 0), keeps };
}

interface Marks {
  /** Digests of blobs to keep. */
  readonly digests: Set<Digest>;
  /** diffIDs of layers that are kept, however they are compressed. */
  readonly diffIds: Set<Digest>;
  /** Whether there is a layer that the build cache remembers. */
  hasCache: boolean;
}

/** Digests of everything that names keep. Drops names of the build cache, and tables of contents, that are of no use any more. */
async function markNamed(store: Store, marks: Marks, call: Call): Promise<ReadonlySet<Digest>> {
  const derived: Named[] = [];
  const origins: Named[] = [];
  const operations: Named[] = [];
  const dropped: NameChange[] = [];
  for await (const named of store.names("", call)) {
    if (named.name.startsWith(NamePrefix.origin)) origins.push(named);
    else if (isDerived(named.name)) derived.push(named);
    else if (named.name.startsWith(NamePrefix.operation)) operations.push(named);
    else if (!await markName(store, { named, marks }, call)) dropped.push({ name: named.name, descriptor: undefined });
  }
  for (const { name, descriptor } of derived) {
    const diffId = parseLayerName(name) ?? parseCompressedName(name);
    const isUseful = diffId !== undefined && (marks.diffIds.has(diffId) || marks.digests.has(diffId));
    if (isUseful) marks.digests.add(descriptor.digest);
    else dropped.push({ name, descriptor: undefined });
  }
  for (const { name, descriptor } of origins) {
    if (!marks.digests.has(descriptor.digest)) dropped.push({ name, descriptor: undefined });
  }
  for (const { name, descriptor } of operations) {
    // They say that the cache may have something, so they go with its last record.
    if (marks.hasCache) marks.digests.add(descriptor.digest);
    else dropped.push({ name, descriptor: undefined });
  }
  if (dropped.length > 0) await store.update(dropped, call);
  return marks.digests;
}

/** Whether a name is of something that was made of a layer, and goes with it. */
function isDerived(name: string): boolean {
  return name.startsWith(NamePrefix.layer) || name.startsWith(NamePrefix.compressed);
}

/** Marks what one name keeps; false when it is a name of the build cache whose content is not all there. */
async function markName(store: Store, at: { named: Named; marks: Marks }, call: Call): Promise<boolean> {
  const { named: { name, descriptor }, marks } = at;
  const isCache = rememberedPrefixes.some((prefix) => name.startsWith(prefix));
  if (!await store.has(descriptor, call)) return !isCache;
  const record = readCacheRecord(descriptor);
  if (record !== undefined) {
    marks.diffIds.add(record.diffId);
    marks.hasCache = true;
  }
  if (!isCache) {
    await markGraph(store, { descriptor, marks }, call);
    return true;
  }
  const own: Marks = { digests: new Set(), diffIds: new Set(), hasCache: false };
  try {
    await markGraph(store, { descriptor, marks: own }, call);
  } catch (error) {
    if (isEngineError(error) && (error.code === "NOT_FOUND" || error.code === "CONTENT_MISMATCH")) return false;
    throw error;
  }
  own.digests.forEach((digest) => marks.digests.add(digest));
  own.diffIds.forEach((diffId) => marks.diffIds.add(diffId));
  return true;
}

async function markGraph(store: Store, at: { descriptor: Descriptor; marks: Marks }, call: Call): Promise<void> {
  const { descriptor, marks } = at;
  if (marks.digests.has(descriptor.digest)) return;
  marks.digests.add(descriptor.digest);
  if (!await store.has(descriptor, call)) return;
  if (essence(descriptor.mediaType) === MediaType.config || essence(descriptor.mediaType) === MediaType.dockerConfig) {
    for (const diffId of diffIdsOf(await readDocument(store, descriptor, call))) marks.diffIds.add(diffId);
  }
  const { needed, optional } = await readReferences(store, descriptor, call);
  for (const reference of [...needed, ...optional]) await markGraph(store, { descriptor: reference, marks }, call);
}

/** diffIDs in a config; none in what is no config but goes by its type, as a registry may be sent. */
function diffIdsOf(config: Uint8Array): readonly Digest[] {
  try {
    return readImageConfig(config).rootfs.diff_ids;
  } catch (error) {
    if (isEngineError(error) && error.code === "CONTENT_MISMATCH") return [];
    throw error;
  }
}
