import type { Database } from "./database.ts";
import { isMissing } from "./failure.ts";
import { type Layout, removeFile } from "./layout.ts";

/**
 * The leases of a store. A lease is a file whose name starts with the counter's value at which it began and which its
 * process holds locked (flock): the system drops the lock when the process ends, however it ends.
 */
export interface Leases {
  /** Takes a lease; removes files of dead processes' ones. */
  take(): Disposable;
  /** Where the newest lease held by this process began; undefined when none is held. */
  newest(): number | undefined;
  /** Where the oldest lease of any living process began; removes files of dead ones. Inside a transaction only. */
  oldestLiving(): number | undefined;
  /** Gives up what this process still holds. */
  releaseAll(): void;
}

interface Held {
  readonly start: number;
  readonly path: string;
  readonly file: Deno.FsFile;
}

/** The leases in a store's lease directory. */
export function openLeases(layout: Layout, database: Database): Leases {
  const held = new Set<Held>();
  const release = (lease: Held): void => {
    if (!held.delete(lease)) return;
    removeFile(lease.path);
    lease.file.close();
  };
  return {
    take(): Disposable {
      // Inside a transaction, so that a collection sees the lease either not at all or locked.
      const lease = database.transact(() => {
        oldestLiving(layout.leases);
        const start = database.nextCount();
        const path = `${layout.leases}/${start}-${crypto.randomUUID()}`;
        const file = Deno.openSync(path, { createNew: true, write: true });
        file.lockSync(true);
        return { start, path, file };
      });
      held.add(lease);
      return { [Symbol.dispose]: () => release(lease) };
    },
    newest(): number | undefined {
      let newest: number | undefined;
      for (const lease of held) newest = Math.max(newest ?? 0, lease.start);
      return newest;
    },
    oldestLiving: () => oldestLiving(layout.leases),
    releaseAll: () => held.forEach(release),
  };
}

function oldestLiving(directory: string): number | undefined {
  let oldest: number | undefined;
  for (const entry of Deno.readDirSync(directory)) {
    const path = `${directory}/${entry.name}`;
    if (removeUnlocked(path)) continue;
    const start = Number.parseInt(entry.name, 10);
    // A locked file with another name is none of ours.
    if (Number.isSafeInteger(start)) oldest = Math.min(oldest ?? start, start);
  }
  return oldest;
}

/** Removes a file that no living process holds locked; true when it is gone. */
export function removeUnlocked(path: string): boolean {
  try {
    using file = Deno.openSync(path, { write: true });
    if (!file.tryLockSync(true)) return false;
    removeFile(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}
