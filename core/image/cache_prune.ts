import type { Call } from "../contract/call.ts";
import { NamePrefix, readCacheRecord } from "../store/names.ts";
import { addContent, contentOf, type ContentSet } from "./content_set.ts";
import { parseFilters, parseTime } from "./filter.ts";
import type { ListEngine } from "./list.ts";
import { carryOut } from "./removal.ts";
import { readImages, rootsOf } from "./stored_image.ts";

/** What `cache prune` is told. */
export interface CachePruneInput {
  /** Remove records whose layers images use, too. */
  readonly all?: boolean;
  /** `until` filters as typed, e.g. `until=24h`. */
  readonly filters?: readonly string[];
  /** Only report what would be removed. */
  readonly dryRun?: boolean;
}

/** What `cache prune` removed or would remove. */
export interface CachePruneResult {
  /** Cache keys, hex, sorted. */
  readonly removed: readonly string[];
  /** Bytes of the blobs that only those records needed and, unless it was a dry run, of what killed processes left. */
  readonly reclaimed: number;
}

/** Filters that `cache prune` knows. */
export const cachePruneFilters: readonly string[] = ["until"];

/**
 * Removes records of the build cache that no image uses, with `all` every one: layers, results of earlier builds and downloads. With
 * `until` only layers recorded before that time. Rejects `INVALID_ARGUMENT` for a wrong filter.
 */
export async function pruneCache(engine: ListEngine, input: CachePruneInput, call: Call): Promise<CachePruneResult> {
  const { store } = engine;
  const filters = parseFilters(input.filters ?? [], cachePruneFilters);
  const until = filters.get("until")?.map((text) => parseTime(text, engine.clock()).getTime());
  const staying = await contentOf(store, rootsOf(await readImages(store, call)), call);
  const images = new Set(staying.keys());
  const names: string[] = [];
  const going: ContentSet = new Map();
  for (const prefix of [NamePrefix.cache, NamePrefix.result, NamePrefix.fetch]) {
    for await (const { name, descriptor } of store.names(prefix, call)) {
      const created = Date.parse(readCacheRecord(descriptor)?.created ?? "");
      const isOld = until === undefined || until.every((time) => created < time);
      const isGoing = isOld && (input.all === true || !images.has(descriptor.digest));
      if (isGoing) names.push(name);
      await addContent(isGoing ? going : staying, { source: store, root: descriptor }, call);
    }
  }
  const blobs = [...going.values()].filter(({ digest }) => !staying.has(digest));
  const planned = blobs.reduce((bytes, { size }) => bytes + size, 0);
  const changes = names.map((name) => ({ name, descriptor: undefined }));
  const removal = { changes, layers: new Map(), reclaimed: planned };
  const reclaimed = input.dryRun === true ? planned : await carryOut(store, removal, call);
  const keys = names.filter((name) => name.startsWith(NamePrefix.cache));
  return { removed: keys.map((name) => name.slice(NamePrefix.cache.length)).sort(), reclaimed };
}
