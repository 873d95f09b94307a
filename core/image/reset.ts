import type { Call } from "../contract/call.ts";
import { collectGarbage } from "../store/collect.ts";
import { NamePrefix } from "../store/names.ts";
import { snapshotUsage } from "../snapshot/stored_snapshots.ts";
import { type CacheEngine, openCacheMounts } from "./cache_mount.ts";
import { removeSnapshots } from "./removal.ts";

/**
 * What `system reset` is told.
 *
 * @example Only see what would go
 * ```ts
 * import type { ResetInput } from "@strata/strata";
 *
 * const input: ResetInput = { dryRun: true };
 * console.log(input);
 * ```
 */
export interface ResetInput {
  /** Only report what would be removed. */
  readonly dryRun?: boolean;
}

/**
 * What `system reset` removed.
 *
 * @example Tell what is gone
 * ```ts
 * import type { ResetResult } from "@strata/strata";
 *
 * const result: ResetResult = { images: 2, cacheRecords: 7, cacheMounts: 0, reclaimed: 1_000_000 };
 * console.log(`${result.images} images, ${result.reclaimed} bytes`);
 * ```
 */
export interface ResetResult {
  /** Images removed. */
  readonly images: number;
  /** Cache records removed. */
  readonly cacheRecords: number;
  /** Cache mounts removed. */
  readonly cacheMounts: number;
  /** Bytes of the removed blobs, mounts and snapshots. */
  readonly reclaimed: number;
}

/**
 * Removes every name and every blob of the store, all cache mounts and snapshots, but what other processes write or use at this moment.
 * Rejects `CONFLICT` while another process collects; the names are gone then, and the next collection removes the blobs.
 *
 * @example What emptying the store would free
 * ```ts
 * import { builtins, createCall, createEngine, importImage, resetStore } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { images, reclaimed } = await resetStore(engine, { dryRun: true }, createCall());
 * console.log(images, reclaimed);
 * ```
 */
export async function resetStore(engine: CacheEngine, input: ResetInput, call: Call): Promise<ResetResult> {
  const { store } = engine;
  const names: string[] = [];
  for await (const { name } of store.names("", call)) names.push(name);
  const count = (prefix: string): number => names.filter((name) => name.startsWith(prefix)).length;
  const counts = { images: count(NamePrefix.image), cacheRecords: count(NamePrefix.cache) };
  if (input.dryRun === true) {
    let bytes = 0;
    for await (const { size } of store.blobs(call)) bytes += size;
    const { mounts, size } = resetMounts(engine, true);
    const snapshots = snapshotUsage(engine.config.root);
    return { ...counts, cacheMounts: mounts, reclaimed: bytes + size + (snapshots.isInUse ? 0 : snapshots.size) };
  }
  await store.update(names.map((name) => ({ name, descriptor: undefined })), call);
  const { reclaimedBytes } = await collectGarbage(store, call);
  const { mounts, size } = resetMounts(engine, false);
  const snapshots = await removeSnapshots(engine.config.root, () => false, call);
  return { ...counts, cacheMounts: mounts, reclaimed: reclaimedBytes + size + snapshots };
}

/** Removes cache mounts that nobody uses, or only looks at them. */
function resetMounts(engine: CacheEngine, isDry: boolean): { readonly mounts: number; readonly size: number } {
  const mounts = openCacheMounts(engine);
  if (!isDry) mounts.sweep();
  let count = 0;
  let size = 0;
  for (const info of mounts.list()) {
    if (info.isInUse) continue;
    const bytes = mounts.size(info);
    if (!isDry && !mounts.remove(info)) continue;
    count++;
    size += bytes;
  }
  return { mounts: count, size };
}
