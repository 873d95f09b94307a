import { fileBytes } from "./directory.ts";
import { layoutOf } from "./layout.ts";
import { lockAlone } from "./lock.ts";
import { directoriesIn } from "./sweep.ts";

/** What the snapshots of a store take. */
export interface SnapshotUsage {
  /** How many layers are unpacked. */
  readonly total: number;
  /** Bytes of their files. */
  readonly size: number;
  /** Whether a build uses some at this moment. */
  readonly isInUse: boolean;
}

/** Looks at the snapshots below the root of a store. Throws `OS_FAILED`. */
export function snapshotUsage(root: string): SnapshotUsage {
  const { all, lock } = layoutOf(root);
  const boots = directoriesIn(all);
  if (boots.length === 0) return { total: 0, size: 0, isInUse: false };
  const total = boots.reduce((count, boot) => count + directoriesIn(`${all}/${boot}`).length, 0);
  using held = lockAlone(lock);
  return { total, size: fileBytes(all), isInUse: held === undefined };
}
