import type { Call } from "../contract/call.ts";
import type { NameChange, Store } from "../contract/store.ts";
import { sha256 } from "../oci/digest.ts";
import { MediaType } from "../oci/media_type.ts";
import { cacheName, operationName, readCacheRecord, writeCacheRecord } from "../store/names.ts";
import { streamOf } from "../stream/byte_stream.ts";
import type { ChainLayer } from "./chain.ts";

/** A layer that was built before, with the time it was. */
export type CachedLayer = ChainLayer & { readonly created: string };

/** A layer that a step of a build has, built or found. */
export interface KeptLayer {
  /** The key that it is remembered under. */
  readonly key: string;
  readonly layer: CachedLayer;
  /** The instruction it was built by, for people. */
  readonly instruction: string;
  /** Key of its command whatever that ran on; undefined for what is no command. */
  readonly operation?: string;
  /** Key that can be told without reading what the step reads; undefined when there is none. */
  readonly shortcut?: string;
}

/** A cache that a build has in common with builds on other machines. It comes after the store. */
export interface SharedCache {
  /** The layer under a key, which may be fetched only when it is opened. */
  find(key: string, call: Call): Promise<CachedLayer | undefined>;
  /** The key of a layer that `find` gives, by its shortcut. */
  findKey(shortcut: string, call: Call): Promise<string | undefined>;
  /** Whether it has a layer of a command, whatever that ran on. */
  hasOperation(operation: string, call: Call): Promise<boolean>;
  /** Told of every layer that a step has. */
  note(kept: KeptLayer): void;
}

/** Where layers are looked up. */
export interface Caches {
  readonly store: Store;
  /** Asked for what the store does not have. */
  readonly shared?: SharedCache | undefined;
}

/** The layer remembered under a key; undefined when there is no record, or none whose layer is still stored or can be fetched. */
export async function findCached(
  { store, shared }: Pick<Caches, "shared"> & { readonly store: Pick<Store, "resolve" | "has"> },
  key: string,
  call: Call,
): Promise<CachedLayer | undefined> {
  const descriptor = await store.resolve(cacheName(key), call);
  const record = descriptor === undefined ? undefined : readCacheRecord(descriptor);
  if (record === undefined || !await store.has(record.layer, call)) return await shared?.find(key, call);
  return { descriptor: record.layer, diffId: record.diffId, created: record.created };
}

/** Whether a command was built before, whatever it ran on. */
export async function isBuiltBefore({ store, shared }: Caches, operation: string, call: Call): Promise<boolean> {
  return await store.resolve(operationName(operation), call) !== undefined ||
    await shared?.hasOperation(operation, call) === true;
}

/** The changes that remember a layer, which is in the store. */
export async function rememberLayer(
  store: Pick<Store, "put">,
  { key, layer, instruction, operation }: KeptLayer,
  call: Call,
): Promise<readonly NameChange[]> {
  const { descriptor, diffId, created } = layer;
  const record = {
    name: cacheName(key),
    descriptor: writeCacheRecord({ layer: descriptor, diffId, created, instruction }),
  };
  return operation === undefined ? [record] : [record, await markOperation(store, operation, call)];
}

/** The change that notes that an operation was built. */
async function markOperation(store: Pick<Store, "put">, operation: string, call: Call): Promise<NameChange> {
  const bytes = new TextEncoder().encode("{}");
  const descriptor = { mediaType: MediaType.empty, digest: await sha256(bytes), size: bytes.length };
  await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
  return { name: operationName(operation), descriptor };
}
