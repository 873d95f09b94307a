import type { Digest } from "../oci/descriptor.ts";
import { digestHex } from "../oci/digest.ts";
import { attempt } from "./mount_place.ts";

/** Where snapshots and what is at work on them are, below the directory that strata keeps its data in. */
export interface SnapshotLayout {
  /** Directory with one directory for each boot that has snapshots. */
  readonly all: string;
  /** File that is locked, shared, while snapshots are in use. */
  readonly lock: string;
  /** Directory with one directory for each run, and a locked file beside it as long as its process lives. */
  readonly runs: string;
}

/** A layout that is in use. */
export interface OpenLayout extends SnapshotLayout {
  /** Directory with one directory for each unpacked layer. They are of this boot: what an earlier one left may not all be on disk. */
  readonly snapshots: string;
}

/** The layout below a root. */
export function layoutOf(root: string): SnapshotLayout {
  const all = `${root}/snapshots`;
  return { all, lock: `${all}/lock`, runs: `${root}/runs` };
}

/** The layout below a root, with its directories made. Throws `OS_FAILED`. */
export function openLayout(root: string, isUserNamespace: boolean): OpenLayout {
  const [plain, user] = bootNames();
  const layout = layoutOf(root);
  const open = { ...layout, snapshots: `${layout.all}/${isUserNamespace ? user : plain}` };
  makeDirectories(open);
  return open;
}

/** Makes the directories of a layout, those that are missing. Throws `OS_FAILED`. */
export function makeDirectories({ snapshots, runs }: OpenLayout): void {
  for (const path of [snapshots, runs]) {
    attempt("make directory", path, () => Deno.mkdirSync(path, { recursive: true, mode: 0o700 }));
  }
}

/** Names of this boot's directories of snapshots: those that root made, and those made inside a user namespace, which mark files in another way. */
export function bootNames(): readonly [plain: string, user: string] {
  const boot = readBoot();
  return [boot, `${boot}-user`];
}

/** What tells this boot of the machine from others. */
function readBoot(): string {
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

/** Length of a digest in hex by its algorithm (image-spec, descriptor.md, "Registered algorithms"). */
const algorithms: Readonly<Record<number, string>> = { 64: "sha256", 96: "sha384", 128: "sha512" };

/** The layer whose snapshot has a name; undefined for other names. */
export function readSnapshotName(name: string): Digest | undefined {
  const hex = /^([0-9a-f]{64,128})(?:-[0-9a-f]{16})?$/.exec(name)?.[1];
  const algorithm = hex === undefined ? undefined : algorithms[hex.length];
  return algorithm === undefined ? undefined : `${algorithm}:${hex}`;
}
