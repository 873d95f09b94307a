import type { Digest } from "../oci/descriptor.ts";
import { digestHex } from "../oci/digest.ts";

/** Where snapshots and what is at work on them are, below the directory that strata keeps its data in. */
export interface SnapshotLayout {
  /** Directory with one directory for each unpacked layer. They are of this boot: what an earlier one left may not all be on disk. */
  readonly snapshots: string;
  /** Directory of the snapshots of all boots. */
  readonly all: string;
  /** File that is locked, shared, while snapshots are in use. */
  readonly lock: string;
  /** Directory with one directory for each run, and a locked file beside it as long as its process lives. */
  readonly runs: string;
}

/** The layout below a root, with its directories made. Snapshots made inside a user namespace are apart from others. */
export function openLayout(root: string, isUserNamespace: boolean): SnapshotLayout {
  const all = `${root}/snapshots`;
  const layout = {
    all,
    snapshots: `${all}/${bootName()}${isUserNamespace ? "-user" : ""}`,
    lock: `${all}/lock`,
    runs: `${root}/runs`,
  };
  Deno.mkdirSync(layout.snapshots, { recursive: true, mode: 0o700 });
  Deno.mkdirSync(layout.runs, { recursive: true, mode: 0o700 });
  return layout;
}

/** What tells this boot of the machine from others. */
function bootName(): string {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").slice(0, 8);
  } catch {
    return "boot";
  }
}

/** Name of the snapshot of a layer that is the same on any other layers. */
export function layerSnapshot(diffId: Digest): string {
  return digestHex(diffId);
}

/** Name of the snapshot of a layer that depends on those below it. */
export function chainSnapshot(diffId: Digest, chainId: Digest): string {
  return `${digestHex(diffId)}-${digestHex(chainId).slice(0, 16)}`;
}
