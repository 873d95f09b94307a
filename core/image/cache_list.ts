import type { Call } from "../contract/call.ts";
import { type CacheUsage, countUsers, readCacheUsage } from "./disk_usage.ts";
import type { ImageEngine } from "./resolve_image.ts";
import { readImages } from "./stored_image.ts";

/** What `cache ls` shows. */
export interface CacheListResult {
  /** Newest first, then by key. */
  readonly rows: readonly CacheUsage[];
}

/** Lists the layers that the build cache holds. */
export async function listCache(engine: ImageEngine, call: Call): Promise<CacheListResult> {
  const users = await countUsers(engine.store, await readImages(engine.store, call), call);
  return { rows: await readCacheUsage(engine.store, users, call) };
}
