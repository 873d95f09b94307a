import type { Call } from "../contract/call.ts";
import { collectGarbage } from "../store/collect.ts";
import { NamePrefix } from "../store/names.ts";
import type { ImageEngine } from "./resolve_image.ts";

/** What `system reset` is told. */
export interface ResetInput {
  /** Only report what would be removed. */
  readonly dryRun?: boolean;
}

/** What `system reset` removed. */
export interface ResetResult {
  /** Images removed. */
  readonly images: number;
  /** Cache records removed. */
  readonly cacheRecords: number;
  /** Bytes of the removed blobs. */
  readonly reclaimed: number;
}

/**
 * Removes every name and every blob of the store, but what other processes are writing at this moment. Rejects `CONFLICT` while
 * another process collects; the names are gone then, and the next collection removes the blobs.
 */
export async function resetStore(engine: ImageEngine, input: ResetInput, call: Call): Promise<ResetResult> {
  const { store } = engine;
  const names: string[] = [];
  for await (const { name } of store.names("", call)) names.push(name);
  const count = (prefix: string): number => names.filter((name) => name.startsWith(prefix)).length;
  const counts = { images: count(NamePrefix.image), cacheRecords: count(NamePrefix.cache) };
  if (input.dryRun === true) {
    let bytes = 0;
    for await (const { size } of store.blobs(call)) bytes += size;
    return { ...counts, reclaimed: bytes };
  }
  await store.update(names.map((name) => ({ name, descriptor: undefined })), call);
  const { reclaimedBytes } = await collectGarbage(store, call);
  return { ...counts, reclaimed: reclaimedBytes };
}
