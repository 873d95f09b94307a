import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import type { Digest } from "../oci/descriptor.ts";

/** One layer of a filesystem state. */
export interface SnapshotLayer {
  readonly diffId: Digest;
  /** ChainID of the layers up to this one. */
  readonly chainId: Digest;
  /** Reads what the layer holds, in the order of its tar. */
  entries(call: Call): AsyncIterable<LayerEntry>;
}

/** A filesystem state as a directory that is only read. */
export interface SnapshotView extends AsyncDisposable {
  /** Absolute path; only synchronous calls and child processes may look below it. */
  readonly rootfs: string;
}

/** A filesystem state as a directory that can be changed. Disposing it removes it. */
export interface Workspace extends SnapshotView {
  /** A directory of its own for other files that a run needs, on no private mount. */
  readonly directory: string;
  /**
   * What was changed, as entries of a layer. May be asked for once, and ends the use of `rootfs`. Times newer than
   * `sourceDateEpoch`, seconds since the Unix epoch, are set to it.
   */
  changes(sourceDateEpoch: number | undefined, call: Call): AsyncIterable<LayerEntry>;
  /** Keeps the changes as the snapshot of the layer that was made of them, after `changes` has ended. */
  commit(diffId: Digest): void;
}

/** How filesystem states become directories: an overlay of unpacked layers, or a copy of all files. */
export type SnapshotterKind = "overlay" | "copy";

/** Kinds of snapshotters. */
export const snapshotterKinds: readonly SnapshotterKind[] = ["overlay", "copy"];

/** Makes directories of filesystem states. Layers are base first. */
export interface Snapshotter extends AsyncDisposable {
  readonly kind: SnapshotterKind;
  prepare(layers: readonly SnapshotLayer[], call: Call): Promise<Workspace>;
  view(layers: readonly SnapshotLayer[], call: Call): Promise<SnapshotView>;
}
