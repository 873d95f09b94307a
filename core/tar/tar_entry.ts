import type { LayerEntry } from "../contract/layer.ts";

/** Entries that have a place in a tar: all but whiteouts, which a layer writes as files. */
export type TarEntry = Exclude<LayerEntry, { readonly type: "whiteout" | "opaque" }>;
