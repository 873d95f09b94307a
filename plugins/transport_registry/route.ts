import type { Trust } from "./trust.ts";

/** How one connection differs from the usual ones. */
export interface Route extends Trust {
  /** Proxy to go through. */
  readonly proxy: URL | undefined;
}
