import { throwIfAborted } from "../stream/abort.ts";
import type { SnapshotLayout } from "./layout.ts";

/** A directory for what one run needs; removed when it is disposed, or by the next build when its process was killed. */
export interface RunDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Makes a directory for a run. The file beside it is locked (flock) as long as this process lives. */
export function makeRunDirectory(layout: SnapshotLayout, signal: AbortSignal): RunDirectory {
  throwIfAborted(signal);
  const { path, lock } = makeLock(layout);
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    path,
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        await removeDirectory(path);
        await Deno.remove(`${path}.lock`);
      } finally {
        lock.close();
      }
    },
  };
}

function makeLock(layout: SnapshotLayout): { readonly path: string; readonly lock: Deno.FsFile } {
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

/** Removes the directories of runs whose process is dead. */
export async function sweepRuns(layout: SnapshotLayout): Promise<void> {
  for (const { name } of Deno.readDirSync(layout.runs)) {
    if (!name.endsWith(".lock")) continue;
    const lock = `${layout.runs}/${name}`;
    try {
      using file = Deno.openSync(lock, { write: true });
      if (!file.tryLockSync(true)) continue;
      await removeDirectory(lock.replace(/\.lock$/, ""));
      Deno.removeSync(lock);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
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
