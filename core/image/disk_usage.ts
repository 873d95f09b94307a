import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { NamePrefix, readCacheRecord } from "../store/names.ts";
import { contentOf } from "./content_set.ts";
import { snapshotUsage } from "../snapshot/stored_snapshots.ts";
import { type CacheEngine, type CacheMountUsage, describeMounts, openCacheMounts } from "./cache_mount.ts";
import { type ImageRow, listImages } from "./list.ts";
import { readImages, rootsOf, type StoredImage } from "./stored_image.ts";

/**
 * What `system df` is asked.
 *
 * @example With each image
 * ```ts
 * import type { DiskUsageInput } from "@strata/strata";
 *
 * const input: DiskUsageInput = { verbose: true };
 * console.log(input);
 * ```
 */
export interface DiskUsageInput {
  /** Also give the rows per image and per cache record. */
  readonly verbose?: boolean;
}

/**
 * One summary row of `system df`.
 *
 * @example What can be won
 * ```ts
 * import type { DiskUsageRow } from "@strata/strata";
 *
 * const row: DiskUsageRow = { type: "Images", total: 3, active: 1, size: 3000, reclaimable: 1000 };
 * console.log(`${row.type}: ${row.reclaimable} of ${row.size}`);
 * ```
 */
export interface DiskUsageRow {
  /** What is counted. */
  readonly type: "Images" | "Build Cache" | "Cache Mounts" | "Snapshots";
  /** How many there are. */
  readonly total: number;
  /** How many are in use: images with a tag; cache records whose layer an image uses; mounts and snapshots that a build has. */
  readonly active: number;
  /** Bytes on disk. */
  readonly size: number;
  /** Bytes that removing what is not active frees. */
  readonly reclaimable: number;
}

/**
 * One image of the verbose view.
 *
 * @example Images that have most for themselves
 * ```ts
 * import type { ImageUsage } from "@strata/strata";
 *
 * const largest = (images: readonly ImageUsage[]): ImageUsage[] =>
 *   images.toSorted((a, b) => b.uniqueSize - a.uniqueSize);
 * console.log(largest([]));
 * ```
 */
export interface ImageUsage extends ImageRow {
  /** Bytes of its blobs that other images need too. */
  readonly sharedSize: number;
  /** Bytes of its blobs that only it needs. */
  readonly uniqueSize: number;
}

/**
 * One cache record of the verbose view.
 *
 * @example Steps that nothing uses any more
 * ```ts
 * import type { CacheUsage } from "@strata/strata";
 *
 * const unused = (cache: readonly CacheUsage[]): string[] => cache.filter(({ inUse }) => !inUse).map(({ id }) => id);
 * console.log(unused([]));
 * ```
 */
export interface CacheUsage {
  /** Cache key, hex. */
  readonly id: string;
  /** Digest of the layer blob. */
  readonly digest: Digest;
  /** Instruction that made it; empty when unknown. */
  readonly description: string;
  /** When it was recorded; undefined when unknown. */
  readonly created: Date | undefined;
  /** Bytes of its blob. */
  readonly size: number;
  /** Whether an image uses the layer. */
  readonly inUse: boolean;
}

/**
 * What the store takes on disk.
 *
 * @example Bytes of everything
 * ```ts
 * import type { DiskUsageResult } from "@strata/strata";
 *
 * const total = ({ rows }: DiskUsageResult): number => rows.reduce((sum, { size }) => sum + size, 0);
 * console.log(total({ rows: [], images: undefined, cache: undefined, mounts: undefined }));
 * ```
 */
export interface DiskUsageResult {
  /** Images, Build Cache, Cache Mounts, then Snapshots: layers unpacked for commands to run on, which can be made again. */
  readonly rows: readonly DiskUsageRow[];
  /** Per image, newest first; undefined unless verbose. */
  readonly images: readonly ImageUsage[] | undefined;
  /** Per cache record, newest first; undefined unless verbose. */
  readonly cache: readonly CacheUsage[] | undefined;
  /** Per cache mount, those used last first; undefined unless verbose. */
  readonly mounts: readonly CacheMountUsage[] | undefined;
}

/**
 * Tells what the store takes on disk. A blob that images and the build cache need counts in both rows.
 *
 * @example Room that images and caches take
 * ```ts
 * import { builtins, createCall, createEngine, diskUsage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const { rows } = await diskUsage(engine, {}, createCall());
 * for (const { type, size } of rows) console.log(type, size);
 * ```
 */
export async function diskUsage(engine: CacheEngine, input: DiskUsageInput, call: Call): Promise<DiskUsageResult> {
  const { store } = engine;
  const images = await readImages(store, call);
  const users = await countUsers(store, images, call);
  const cache = await readCacheUsage(store, users, call);
  const tagged = images.filter(({ names }) => names.length > 0);
  const active = await contentOf(store, rootsOf(tagged), call);
  const all = [...users.values()];
  const imageRow: DiskUsageRow = {
    type: "Images",
    total: images.length,
    active: tagged.length,
    size: sum(all.map(({ descriptor }) => descriptor.size)),
    reclaimable: sum(all.map(({ descriptor }) => active.has(descriptor.digest) ? 0 : descriptor.size)),
  };
  const sizes = (records: readonly CacheUsage[]): number =>
    sum([...new Map(records.map(({ digest, size }) => [digest, size])).values()]);
  const cacheRow: DiskUsageRow = {
    type: "Build Cache",
    total: cache.length,
    active: cache.filter(({ inUse }) => inUse).length,
    size: sizes(cache),
    reclaimable: sizes(cache.filter(({ inUse }) => !inUse)),
  };
  const mounts = openCacheMounts(engine);
  const mountUsage = describeMounts(mounts, mounts.list());
  const isVerbose = input.verbose === true;
  return {
    rows: [imageRow, cacheRow, mountRow(mountUsage), snapshotRow(engine.config.root)],
    images: isVerbose ? await describeImages(engine, { images, users }, call) : undefined,
    cache: isVerbose ? cache : undefined,
    mounts: isVerbose ? mountUsage : undefined,
  };
}

function mountRow(mounts: readonly CacheMountUsage[]): DiskUsageRow {
  const free = mounts.filter(({ inUse }) => !inUse);
  return {
    type: "Cache Mounts",
    total: mounts.length,
    active: mounts.length - free.length,
    size: sum(mounts.map(({ size }) => size)),
    reclaimable: sum(free.map(({ size }) => size)),
  };
}

function snapshotRow(root: string): DiskUsageRow {
  const { total, size, isInUse } = snapshotUsage(root);
  return { type: "Snapshots", total, active: isInUse ? total : 0, size, reclaimable: isInUse ? 0 : size };
}

/** Blobs of images, each with how many images need it. */
export type BlobUsers = ReadonlyMap<Digest, { readonly descriptor: Descriptor; readonly count: number }>;

/** Counts how many images need each blob. */
export async function countUsers(store: Store, images: readonly StoredImage[], call: Call): Promise<BlobUsers> {
  const users = new Map<Digest, { readonly descriptor: Descriptor; readonly count: number }>();
  for (const image of images) {
    for (const [digest, descriptor] of await contentOf(store, rootsOf([image]), call)) {
      users.set(digest, { descriptor, count: (users.get(digest)?.count ?? 0) + 1 });
    }
  }
  return users;
}

/** Records of the build cache, newest first, then by key. */
export async function readCacheUsage(store: Store, users: BlobUsers, call: Call): Promise<readonly CacheUsage[]> {
  const rows: CacheUsage[] = [];
  for await (const { name, descriptor } of store.names(NamePrefix.cache, call)) {
    const record = readCacheRecord(descriptor);
    const created = new Date(record?.created ?? NaN);
    rows.push({
      id: name.slice(NamePrefix.cache.length),
      digest: descriptor.digest,
      description: record?.instruction ?? "",
      created: Number.isNaN(created.getTime()) ? undefined : created,
      size: descriptor.size,
      inUse: users.has(descriptor.digest),
    });
  }
  return rows.sort((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0) || (a.id < b.id ? -1 : 1));
}

async function describeImages(
  engine: CacheEngine,
  of: { readonly images: readonly StoredImage[]; readonly users: BlobUsers },
  call: Call,
): Promise<readonly ImageUsage[]> {
  const { rows } = await listImages(engine, { all: true }, call);
  const usage = new Map<Digest, { sharedSize: number; uniqueSize: number }>();
  for (const image of of.images) {
    const blobs = [...(await contentOf(engine.store, rootsOf([image]), call)).values()];
    const isShared = ({ digest }: Descriptor): boolean => (of.users.get(digest)?.count ?? 0) > 1;
    usage.set(image.id, {
      sharedSize: sum(blobs.filter(isShared).map(({ size }) => size)),
      uniqueSize: sum(blobs.filter((blob) => !isShared(blob)).map(({ size }) => size)),
    });
  }
  return rows.map((row) => ({ ...row, ...usage.get(row.id) ?? { sharedSize: 0, uniqueSize: 0 } }));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
