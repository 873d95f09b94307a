import type { Store } from "../contract/mod.ts";

/**
 * A place that stores of the implementation under test are opened at.
 *
 * @example A place that goes with the test
 * ```ts
 * import type { StoreHook } from "@strata/strata/contract";
 * import type { StorePlace } from "@strata/strata/conformance";
 *
 * async function makePlace(hook: StoreHook): Promise<StorePlace> {
 *   const path = await Deno.makeTempDir();
 *   const call = { signal: new AbortController().signal, emit: () => {} };
 *   return { open: () => hook.open(path, call), [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
 * }
 * ```
 */
export interface StorePlace extends AsyncDisposable {
  /** Opens the store at this place, as another process would; whoever opens it disposes it. */
  open(): Promise<Store>;
}

/** A test of a store that is fresh and empty; `place` opens it a second time. */
export type StoreTest = (store: Store, place: StorePlace) => Promise<void>;

/** Registers one test of the suite. */
export type RegisterStoreTest = (title: string, test: StoreTest) => void;
