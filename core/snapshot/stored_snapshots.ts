import { attempt } from "./mount_place.ts";
import { fileBytes, removeTree } from "./directory.ts";

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
  const directory = `${root}/snapshots`;
  const boots = namesIn(directory);
  if (boots.length === 0) return { total: 0, size: 0, isInUse: false };
  const total = boots.reduce((count, boot) => count + namesIn(`${directory}/${boot}`).length, 0);
  using lock = lockAll(directory);
  return { total, size: fileBytes(directory), isInUse: lock === undefined };
}

/** Removes all snapshots below the root of a store; false when a build uses some, and all stay. Throws `OS_FAILED`. */
export function removeSnapshots(root: string): boolean {
  const directory = `${root}/snapshots`;
  const boots = namesIn(directory);
  if (boots.length === 0) return true;
  using lock = lockAll(directory);
  if (lock === undefined) return false;
  for (const boot of boots) removeTree(`${directory}/${boot}`);
  return true;
}

function lockAll(directory: string): Disposable | undefined {
  return attempt("lock", directory, () => {
    const file = Deno.openSync(`${directory}/lock`, { write: true, create: true, mode: 0o600 });
    if (file.tryLockSync(true)) return { [Symbol.dispose]: () => file.close() };
    file.close();
    return undefined;
  });
}

/** Names of the directories in a directory; none when it is absent. */
function namesIn(directory: string): string[] {
  return attempt("read directory", directory, () => {
    try {
      return [...Deno.readDirSync(directory)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}
