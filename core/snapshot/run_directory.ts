import { errnoOf } from "../os/errno.ts";
import { throwIfAborted } from "../stream/abort.ts";
import type { SnapshotLayout } from "./layout.ts";
import { attempt } from "./mount_place.ts";

/** A directory for what one run needs; removed when it is disposed, or by the next build when its process was killed. */
export interface RunDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Makes a directory for a run. The file beside it is locked (flock) as long as this process lives. Throws `OS_FAILED` and `CANCELED`. */
export function makeRunDirectory(layout: SnapshotLayout, signal: AbortSignal): RunDirectory {
  throwIfAborted(signal);
  const { path, lock } = attempt("make directory", layout.runs, () => makeLock(layout));
  const removeLock = (): void => {
    removeFile(`${path}.lock`);
    lock.close();
  };
  try {
    attempt("make directory", path, () => Deno.mkdirSync(path, { mode: 0o700 }));
  } catch (error) {
    removeLock();
    throw error;
  }
  return {
    path,
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        await removeDirectory(path);
      } finally {
        removeLock();
      }
    },
  };
}

function makeLock(layout: SnapshotLayout): { readonly path: string; readonly lock: Deno.FsFile } {
  Deno.mkdirSync(layout.runs, { recursive: true, mode: 0o700 });
  while (true) {
    const path = `${layout.runs}/${crypto.randomUUID().slice(0, 13)}`;
    const lock = Deno.openSync(`${path}.lock`, { write: true, createNew: true });
    lock.lockSync(true);
    // Who sweeps may have taken the file, which was not locked yet, for that of a dead process.
    if (isThere(`${path}.lock`)) return { path, lock };
    lock.close();
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Removes the directories of runs whose process is dead. What this process may not remove, such as files that a command has made
 * immutable or that are of other users, stays; it is in nobody's way. Rejects `OS_FAILED`.
 */
export async function sweepRuns(layout: SnapshotLayout): Promise<void> {
  const names = attempt("read directory", layout.runs, () => readNames(layout.runs));
  for (const name of names) {
    const path = `${layout.runs}/${name.replace(/\.lock$/, "")}`;
    try {
      // A directory is made after its lock and removed before it, so without one nobody has it.
      if (name.endsWith(".lock")) await sweepRun(path);
      else if (!isThere(`${path}.lock`)) await removeDirectory(path);
    } catch (error) {
      if (!isBeyondReach(error)) throw error;
    }
  }
}

async function sweepRun(path: string): Promise<void> {
  using lock = Deno.openSync(`${path}.lock`, { write: true });
  if (!lock.tryLockSync(true)) return;
  await removeDirectory(path);
  removeFile(`${path}.lock`);
}

/** Whether something is gone, or not for this process to remove. */
function isBeyondReach(error: unknown): boolean {
  return ["ENOENT", "EACCES", "EPERM", "EBUSY"].includes(errnoOf(error) ?? "");
}

function readNames(directory: string): readonly string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Removes a directory with all that is in it; nothing happens when it is absent. */
export async function removeDirectory(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
