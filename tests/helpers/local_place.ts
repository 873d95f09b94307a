import { createKit } from "../../core/kit.ts";
import type { Store } from "../../core/contract/mod.ts";
import type { StorePlace } from "../conformance/store.ts";
import { call } from "../conformance/store_tools.ts";
import { openLocalStore } from "../../plugins/store_local/local_store.ts";

/** A directory for a store under test. */
export interface TestPlace extends StorePlace {
  /** The store's directory, which is not there until the store is opened. */
  readonly root: string;
}

/** A fresh place for local stores; its directory goes with it. */
export async function makePlace(): Promise<TestPlace> {
  const directory = await Deno.makeTempDir({ prefix: "strata-store-" });
  const root = `${directory}/root`;
  return {
    root,
    open: () => openAt(root),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** Opens the local store in a directory. */
export function openAt(root: string): Promise<Store> {
  return openLocalStore(root, { kit: createKit(), clock: () => new Date(1_700_000_000_000) }, call);
}
