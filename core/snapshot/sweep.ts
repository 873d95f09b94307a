import type { Digest } from "../oci/descriptor.ts";
import { errnoOf } from "../os/errno.ts";
import { fileBytes, removeTree } from "./directory.ts";
import { lockAlone } from "./lock.ts";
import { attempt } from "./mount_place.ts";
import { bootNames, layoutOf, readSnapshotName } from "./layout.ts";
import { sweepRuns } from "./run_directory.ts";

/** What a sweep of snapshots did. */
export interface SnapshotSweep {
  /** Bytes of the files that are gone. */
  readonly reclaimed: number;
  /** Whether a build uses snapshots at this moment, so that all stay. */
  readonly isInUse: boolean;
  /** Directories that this process may not remove: in a user namespace a command has made files of other users in them. */
  readonly left: readonly string[];
}

/**
 * Removes snapshots below the root of a store: those of layers that are not to be kept, those that earlier boots of the machine left,
 * and what killed processes were at. A snapshot first loses its name and then its files, so that one of which a part is gone is never
 * taken for a layer, whatever happens meanwhile. Throws `OS_FAILED`.
 */
export async function sweepSnapshots(root: string, keep: (diffId: Digest) => boolean): Promise<SnapshotSweep> {
  const layout = layoutOf(root);
  await sweepRuns(layout);
  const boots = directoriesIn(layout.all);
  if (boots.length === 0) return { reclaimed: 0, isInUse: false, left: [] };
  using lock = lockAlone(layout.lock);
  if (lock === undefined) return { reclaimed: 0, isInUse: true, left: [] };
  const current = bootNames();
  const going = boots.flatMap((boot) => {
    if (!current.includes(boot)) return [boot];
    const names = directoriesIn(`${layout.all}/${boot}`).filter((name) => !isKept(name, keep));
    return names.map((name) => `${boot}/${name}`);
  });
  let reclaimed = 0;
  const left: string[] = [];
  for (const path of going.map((name) => `${layout.all}/${name}`)) {
    const bytes = fileBytes(path);
    // Under a name beside those of boots it is no snapshot any more, and the next sweep goes on where one was killed.
    const gone = `${layout.all}/gone-${crypto.randomUUID()}`;
    if (isDone(() => attempt("remove", path, () => Deno.renameSync(path, gone))) && isDone(() => removeTree(gone))) {
      reclaimed += bytes;
    } else left.push(path);
  }
  return { reclaimed, isInUse: false, left };
}

function isKept(name: string, keep: (diffId: Digest) => boolean): boolean {
  const diffId = readSnapshotName(name);
  return diffId !== undefined && keep(diffId);
}

/** Runs a call; false when this process lacks the permission. */
function isDone(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EACCES" || errno === "EPERM") return false;
    throw error;
  }
}

/** Names of the directories in a directory, sorted; none when it is absent. */
export function directoriesIn(directory: string): readonly string[] {
  return attempt("read directory", directory, () => {
    try {
      const entries = [...Deno.readDirSync(directory)];
      return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}
