import type { Call } from "../contract/call.ts";
import type { MountMeta } from "./mount_place.ts";

/** A cache mount that is there. */
export interface MountInfo extends MountMeta {
  /** Name of its directory: 64 hex digits, and `-1` and so on for further copies of a private one. */
  readonly name: string;
  /** Absolute path of its directory, with `meta.json` and `data`. */
  readonly directory: string;
  /** Whether a command, an export or an import has it at this moment. */
  readonly isInUse: boolean;
}

/** How a cache mount may be used by several at the same time, as in a build file. */
export type MountSharing = "shared" | "private" | "locked";

/** A cache mount that is held; disposing lets go of it. One that is new and was not committed goes away then. */
export interface MountLease extends Disposable {
  /** Absolute path of the directory with its files. */
  readonly path: string;
  /** Whether it was made for this lease and is empty; it belongs to the caller alone until it is committed. */
  readonly isNew: boolean;
  /** Counts a new one as made; from then on others may have it, as far as the sharing lets them. */
  commitNew(): void;
}

/** A cache mount being made beside those that are there; disposing removes it unless it took its place. */
export interface StagedMount extends Disposable {
  /** Name that it is to have. */
  readonly name: string;
  /** Absolute path of the empty directory for its files. */
  readonly path: string;
  /** Writes what its `meta.json` says; without one it may not take its place. */
  describe(meta: MountMeta): void;
}

/** What a cache mount is asked for by. */
export interface MountRequest {
  /** What tells it from every other one. */
  readonly id: string;
  /** Whether others may have it at the same time. */
  readonly sharing: MountSharing;
}

/**
 * The cache mounts of a store: `mounts/<name>/` below its root with `meta.json` and `data`, each locked (flock) by
 * `mounts/<name>.lock` while it is used. All failures of the system are `OS_FAILED`.
 */
export interface MountStore {
  /** Those that are there, by name. */
  list(): readonly MountInfo[];
  /**
   * Takes a cache mount, made when missing: `shared` together with others, `locked` alone, waiting for the others to end,
   * `private` alone, the first copy that nobody has. Whoever takes several takes them in the order of their ids, and each
   * once. Rejects `CANCELED` while it waits.
   */
  acquire(request: MountRequest, call: Call): Promise<MountLease>;
  /** Takes one that is there, alone; undefined while others have it, or when it is gone. */
  hold(info: MountInfo): MountLease | undefined;
  /** Removes one; false when it is in use, and stays. */
  remove(info: MountInfo): boolean;
  /** Bytes of its files, each counted once however many names it has; at least those of a mount that changes meanwhile. */
  size(info: MountInfo): number;
  /** Starts to make one that is to replace what has its name. */
  stage(name: string): StagedMount;
  /** Puts staged ones in their places, all or none. Throws `CONFLICT` when what is to be replaced is in use. */
  replace(staged: readonly StagedMount[]): void;
  /** Removes what killed processes left half made or half removed. */
  sweep(): void;
}
