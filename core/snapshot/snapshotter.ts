import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import type { Digest } from "../oci/descriptor.ts";

/** One layer of a filesystem state: in the store, or just made. */
export type SnapshotLayer = StoredLayer | TopSnapshot;

/** A layer that can be unpacked. */
export interface StoredLayer {
  readonly diffId: Digest;
  /** ChainID of the layers up to this one. */
  readonly chainId: Digest;
  /** Reads what the layer holds, in the order of its tar and in batches as they come. A content that has to be opened is the last of its batch. */
  entries(call: Call): AsyncIterable<readonly LayerEntry[]>;
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
   * Ends the use of `rootfs` and finds what was changed. Times newer than `sourceDateEpoch`, seconds since the Unix epoch, are set to
   * it. May be called once.
   */
  finish(sourceDateEpoch: number | undefined, call: Call): WorkspaceChanges;
}

/** What was changed in a workspace. */
export interface WorkspaceChanges {
  /** The changes as entries of a layer, with their content; may be read once, while the workspace lives. */
  entries(call: Call): AsyncIterable<LayerEntry>;
  /** The state with these changes for the next workspace, before they are packed; undefined where there is no such thing. */
  readonly top: TopSnapshot | undefined;
  /** Keeps the changes as the snapshot of the layer that was made of them. */
  commit(diffId: Digest): void;
}

/** What a command has made of a state, usable before it is a layer. */
export interface TopSnapshot {
  /** Where it is; it moves when it is committed. */
  readonly path: () => string;
  /** Keeps what is mounted from there, until it is disposed. */
  hold(): Disposable;
}

/**
 * How filesystem states become directories: an overlay of unpacked layers, or a copy of all files.
 *
 * @example The one that works anywhere
 * ```ts
 * import type { SnapshotterKind } from "@strata/strata";
 *
 * const kind: SnapshotterKind = "copy";
 * console.log(kind);
 * ```
 */
export type SnapshotterKind = "overlay" | "copy";

/** Kinds of snapshotters. */
export const snapshotterKinds: readonly SnapshotterKind[] = ["overlay", "copy"];

/** Makes directories of filesystem states. Layers are base first. */
export interface Snapshotter extends AsyncDisposable {
  readonly kind: SnapshotterKind;
  prepare(layers: readonly SnapshotLayer[], call: Call): Promise<Workspace>;
  view(layers: readonly SnapshotLayer[], call: Call): Promise<SnapshotView>;
}
