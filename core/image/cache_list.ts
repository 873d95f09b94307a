import type { Call } from "../contract/call.ts";
import { type CacheEngine, type CacheMountUsage, describeMounts, openCacheMounts } from "./cache_mount.ts";
import { type CacheUsage, countUsers, readCacheUsage } from "./disk_usage.ts";
import { readImages } from "./stored_image.ts";

/**
 * What `cache ls` shows.
 *
 * @example Bytes of what can go
 * ```ts
 * import type { CacheListResult } from "@strata/strata";
 *
 * function unused({ rows, mounts }: CacheListResult): number {
 *   return [...rows, ...mounts].reduce((sum, { inUse, size }) => sum + (inUse ? 0 : size), 0);
 * }
 * console.log(unused({ rows: [], mounts: [] }));
 * ```
 */
export interface CacheListResult {
  /** Layers, newest first, then by key. */
  readonly rows: readonly CacheUsage[];
  /** Cache mounts, those used last first, then by name. */
  readonly mounts: readonly CacheMountUsage[];
}

/**
 * Lists the layers and the cache mounts that the build cache holds.
 *
 * @example What builds have cached
 * ```ts
 * import { builtins, createCall, createEngine, listCache } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const { rows, mounts } = await listCache(engine, createCall());
 * console.log(rows.length, mounts.length);
 * ```
 */
export async function listCache(engine: CacheEngine, call: Call): Promise<CacheListResult> {
  const users = await countUsers(engine.store, await readImages(engine.store, call), call);
  const mounts = openCacheMounts(engine);
  return { rows: await readCacheUsage(engine.store, users, call), mounts: describeMounts(mounts, mounts.list()) };
}
