import { EngineError, isEngineError } from "../errors.ts";
import { enterMountNamespace } from "../os/mount.ts";
import { readUserNamespace } from "../os/user_namespace.ts";
import { createCopySnapshotter } from "./copy.ts";
import { openLayout } from "./layout.ts";
import { lockShared } from "./lock.ts";
import { createOverlaySnapshotter } from "./overlay.ts";
import { makeRunDirectory, sweepRuns } from "./run_directory.ts";
import type { Snapshotter, SnapshotterKind } from "./snapshotter.ts";

/**
 * Opens the snapshots below a directory and removes what killed processes left; while they are open no snapshot is swept. Overlays serve
 * where the kernel has them for this directory, else copies; `kind` chooses. Throws `UNSUPPORTED` where this process may not mount.
 */
export async function openSnapshotter(
  options: { readonly root: string; readonly kind: SnapshotterKind | undefined },
): Promise<Snapshotter> {
  const mounter = enter();
  const isUserNamespace = readUserNamespace() !== undefined;
  const layout = openLayout(options.root, isUserNamespace);
  const lock = await lockShared(layout.lock);
  await sweepRuns(layout);
  const close = (): void => lock[Symbol.dispose]();
  if (options.kind !== "copy") {
    await using probe = makeRunDirectory(layout, new AbortController().signal);
    const overlay = createOverlaySnapshotter({ mounter, layout, isUserNamespace, probe: probe.path, close });
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
