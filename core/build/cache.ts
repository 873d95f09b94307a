import type { Call } from "../contract/call.ts";
import type { NameChange, Store } from "../contract/store.ts";
import { cacheName, readCacheRecord, writeCacheRecord } from "../store/names.ts";
import type { ChainLayer } from "./chain.ts";

/** A layer that was built before, with the time it was. */
export type CachedLayer = ChainLayer & { readonly created: string };

/** The layer remembered under a key; undefined when there is no record, or none whose layer is still stored. */
export async function findCached(
  store: Pick<Store, "resolve" | "has">,
  key: string,
  call: Call,
): Promise<CachedLayer | undefined> {
  const descriptor = await store.resolve(cacheName(key), call);
  const record = descriptor === undefined ? undefined : readCacheRecord(descriptor);
  if (record === undefined || !await store.has(record.layer, call)) return undefined;
  return { descriptor: record.layer, diffId: record.diffId, created: record.created };
}

/** The change that remembers a layer under a key. */
export function rememberLayer(key: string, layer: CachedLayer, instruction: string): NameChange {
  const { descriptor, diffId, created } = layer;
  return { name: cacheName(key), descriptor: writeCacheRecord({ layer: descriptor, diffId, created, instruction }) };
}
