import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { NamePrefix, readCacheRecord, rememberedPrefixes } from "../store/names.ts";
import { type CacheEngine, type CacheMountUsage, describeMounts, openCacheMounts } from "./cache_mount.ts";
import { addContent, contentOf, type ContentSet } from "./content_set.ts";
import { type Filters, parseFilters, parseTime } from "./filter.ts";
import { carryOut, removeSnapshots } from "./removal.ts";
import { snapshotUsage } from "../snapshot/stored_snapshots.ts";
import { readImages, rootsOf } from "./stored_image.ts";

/**
 * What `cache prune` is told.
 *
 * @example Mounts that nobody used for a day
 * ```ts
 * import type { CachePruneInput } from "@strata/strata";
 *
 * const input: CachePruneInput = { filters: ["type=mount", "until=24h"] };
 * console.log(input);
 * ```
 */
export interface CachePruneInput {
  /** Remove records whose layers images use, too. */
  readonly all?: boolean;
  /** `until` and `type` filters as typed, e.g. `until=24h`, `type=mount`. */
  readonly filters?: readonly string[];
  /** Only report what would be removed. */
  readonly dryRun?: boolean;
}

/**
 * What `cache prune` removed or would remove.
 *
 * @example Bytes that are free again
 * ```ts
 * import type { CachePruneResult } from "@strata/strata";
 *
 * const { reclaimed }: CachePruneResult = { removed: [], mounts: [], reclaimed: 0 };
 * console.log(reclaimed);
 * ```
 */
export interface CachePruneResult {
  /** Cache keys of layers, hex, sorted. */
  readonly removed: readonly string[];
  /** Cache mounts, those used last first. */
  readonly mounts: readonly CacheMountUsage[];
  /**
   * Bytes of the blobs that only those records needed, of the mounts and, unless it was a dry run, of what killed processes left.
   */
  readonly reclaimed: number;
}

/** Kinds of what the build cache holds. */
export type CacheType = "layer" | "mount";

/** Filters that `cache prune` knows. */
export const cachePruneFilters: readonly string[] = ["type", "until"];

/** Names of the types; the longer ones are BuildKit's. */
const typeNames: Readonly<Record<string, CacheType>> = {
  layer: "layer",
  regular: "layer",
  mount: "mount",
  "exec.cachemount": "mount",
};

/** What is to go. */
interface Pruning {
  readonly all: boolean;
  readonly isDry: boolean;
  readonly types: ReadonlySet<CacheType>;
  /** Whether unpacked layers go, whatever needs them. */
  readonly hasSnapshots: boolean;
  /** Whether something of a time, in milliseconds since the Unix epoch, is old enough; NaN is not. */
  isOld(time: number): boolean;
}

/**
 * Removes records of the build cache that no image uses, with `all` every one: layers, results of earlier builds and downloads; and
 * cache mounts that no command has at this moment. With `until` only layers recorded and mounts used last before that time. Layers
 * that are unpacked for commands to run on go with the layers, with `all` and no `until` all of them.
 * Rejects `INVALID_ARGUMENT` for a wrong filter.
 *
 * @example What pruning the cache would remove
 * ```ts
 * import { builtins, createCall, createEngine, pruneCache } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const { removed, mounts } = await pruneCache(engine, { all: true, dryRun: true }, createCall());
 * console.log(removed.length, mounts.length);
 * ```
 */
export async function pruneCache(engine: CacheEngine, input: CachePruneInput, call: Call): Promise<CachePruneResult> {
  const filters = parseFilters(input.filters ?? [], cachePruneFilters);
  const until = filters.get("until")?.map((text) => parseTime(text, engine.clock()).getTime());
  const pruning: Pruning = {
    all: input.all === true,
    isDry: input.dryRun === true,
    types: readTypes(filters),
    hasSnapshots: input.all === true && until === undefined,
    isOld: (time) => until === undefined || until.every((limit) => time < limit),
  };
  const records = await pruneRecords(engine, pruning, call);
  const mounts = pruning.types.has("mount") ? pruneMounts(engine, pruning) : [];
  return { ...records, mounts, reclaimed: mounts.reduce((bytes, { size }) => bytes + size, records.reclaimed) };
}

function readTypes(filters: Filters): ReadonlySet<CacheType> {
  const names = filters.get("type") ?? ["layer", "mount"];
  return new Set(names.map((name) => {
    const type = Object.hasOwn(typeNames, name) ? typeNames[name] : undefined;
    if (type !== undefined) return type;
    throw new EngineError(
      "INVALID_ARGUMENT",
      `Cannot read filter "type=${name.slice(0, 100)}": expected layer or mount`,
      {
        detail: { field: "filter", value: `type=${name.slice(0, 100)}`, known: ["layer", "mount"] },
      },
    );
  }));
}

async function pruneRecords(
  engine: CacheEngine,
  pruning: Pruning,
  call: Call,
): Promise<Pick<CachePruneResult, "removed" | "reclaimed">> {
  if (!pruning.types.has("layer")) return { removed: [], reclaimed: 0 };
  const { store } = engine;
  const staying = await contentOf(store, rootsOf(await readImages(store, call)), call);
  const images = new Set(staying.keys());
  const names: string[] = [];
  const going: ContentSet = new Map();
  for (const prefix of rememberedPrefixes) {
    for await (const { name, descriptor } of store.names(prefix, call)) {
      const isOld = pruning.isOld(Date.parse(readCacheRecord(descriptor)?.created ?? ""));
      const isGoing = isOld && (pruning.all || !images.has(descriptor.digest));
      if (isGoing) names.push(name);
      await addContent(isGoing ? going : staying, { source: store, root: descriptor }, call);
    }
  }
  const blobs = [...going.values()].filter(({ digest }) => !staying.has(digest));
  const planned = blobs.reduce((bytes, { size }) => bytes + size, 0);
  const changes = names.map((name) => ({ name, descriptor: undefined }));
  const removal = { changes, layers: new Map(), reclaimed: planned };
  const snapshots = pruning.hasSnapshots ? await pruneSnapshots(engine, pruning, call) : 0;
  const reclaimed = snapshots + (pruning.isDry ? planned : await carryOut(engine, removal, call));
  const keys = names.filter((name) => name.startsWith(NamePrefix.cache));
  return { removed: keys.map((name) => name.slice(NamePrefix.cache.length)).sort(), reclaimed };
}

/** Removes layers that are unpacked for commands to run on, and gives their bytes; they are made again when they are needed. */
async function pruneSnapshots({ config }: CacheEngine, { isDry }: Pruning, call: Call): Promise<number> {
  if (!isDry) return await removeSnapshots(config.root, () => false, call);
  const { isInUse, size } = snapshotUsage(config.root);
  return isInUse ? 0 : size;
}

function pruneMounts(engine: CacheEngine, { isDry, isOld }: Pruning): readonly CacheMountUsage[] {
  const mounts = openCacheMounts(engine);
  if (!isDry) mounts.sweep();
  const old = mounts.list().filter(({ lastUsedAt, isInUse }) => !isInUse && isOld(lastUsedAt.getTime()));
  const described = describeMounts(mounts, old);
  if (isDry) return described;
  const removed = new Set(old.filter((info) => mounts.remove(info)).map(({ name }) => name));
  return described.filter(({ name }) => removed.has(name));
}
