import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { enterMountNamespace, isInUserNamespace } from "../os/mount.ts";
import { createCopySnapshotter } from "./copy.ts";
import { openLayout } from "./layout.ts";
import { createOverlaySnapshotter } from "./overlay.ts";
import { sweepRuns } from "./run_directory.ts";

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

/** Kinds of snapshotters: an overlay of unpacked layers, or a copy of all files. */
export const snapshotterKinds = ["overlay", "copy"] as const;

/** How filesystem states become directories. */
export type SnapshotterKind = typeof snapshotterKinds[number];

/** Makes directories of filesystem states. Layers are base first. */
export interface Snapshotter extends AsyncDisposable {
  readonly kind: SnapshotterKind;
  prepare(layers: readonly SnapshotLayer[], call: Call): Promise<Workspace>;
  view(layers: readonly SnapshotLayer[], call: Call): Promise<SnapshotView>;
}

/**
 * Opens the snapshots below a directory and removes what killed processes left; while they are open no snapshot is swept. Overlays serve
 * where the kernel has them for this directory, else copies; `kind` chooses. Throws `UNSUPPORTED` where this process may not mount.
 */
export async function openSnapshotter(
  options: { readonly root: string; readonly kind: SnapshotterKind | undefined },
): Promise<Snapshotter> {
  const mounter = enter();
  const isUserNamespace = isInUserNamespace();
  const layout = openLayout(options.root, isUserNamespace);
  const lock = Deno.openSync(layout.lock, { write: true, create: true });
  await lock.lock(false);
  await sweepRuns(layout);
  const close = (): void => lock.close();
  if (options.kind !== "copy") {
    const overlay = createOverlaySnapshotter({ mounter, layout, isUserNamespace, close });
    if (overlay !== undefined) return overlay;
    if (options.kind === "overlay") {
      close();
      throw new EngineError(
        "UNSUPPORTED",
        `Cannot mount an overlay in "${options.root}": the kernel refuses it there`,
        {
          detail: { what: "overlay file system" },
          hint: "Put the root on another file system, or leave the choice of the snapshotter to strata",
        },
      );
    }
  }
  return createCopySnapshotter({ layout, close });
}

function enter(): ReturnType<typeof enterMountNamespace> {
  try {
    return enterMountNamespace();
  } catch (cause) {
    if (!isEngineError(cause) || cause.detail["errno"] !== "EPERM") throw cause;
    throw new EngineError("UNSUPPORTED", "Cannot run commands: this process may not mount file systems", {
      cause,
      detail: { what: "mount" },
      hint: "Run as root, or install uidmap so that strata can use a user namespace",
    });
  }
}
