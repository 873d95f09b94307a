import type { BlobInfo, Call, Digest } from "../../core/contract/mod.ts";
import { readBlob, type StoreParts } from "./blob_table.ts";
import { checkSignal, fileFailure, isMissing } from "./failure.ts";
import { algorithms, blobPath, fileSize, isStoredDigest, type Layout, removeFile } from "./layout.ts";
import { sweepTempFiles } from "./temp_file.ts";

/** How many blobs one transaction moves out; others wait for the store meanwhile. */
const BATCH = 200;

const what = "Cannot collect blobs";

/**
 * Removes blobs that are neither marked nor in use, then sweeps what killed processes left. Which blobs go is decided in one
 * transaction, so a name that is written later finds its content either whole or gone. Rejects `CONFLICT` while another
 * process collects.
 */
export async function* collectBlobs(
  parts: StoreParts,
  mark: () => Promise<ReadonlySet<Digest>>,
  call: Call,
): AsyncGenerator<BlobInfo, void, undefined> {
  try {
    using _lock = lockCollection(parts);
    const horizon = findHorizon(parts);
    const marked = await mark();
    checkSignal(parts.kit, call.signal, what);
    const doomed = forgetUnused(parts, horizon, marked);
    for (let at = 0; at < doomed.length; at += BATCH) {
      const batch = doomed.slice(at, at + BATCH);
      removeBlobFiles(parts, batch.map((blob) => blob.digest));
      yield* batch;
      checkSignal(parts.kit, call.signal, what);
    }
    sweepOrphans(parts);
    sweepTempFiles(parts.layout);
  } catch (error) {
    throw fileFailure(parts.kit, error, { what, path: parts.layout.root });
  }
}

function lockCollection({ layout, kit }: StoreParts): Disposable {
  const file = Deno.openSync(layout.collectLock, { create: true, write: true });
  if (file.tryLockSync(true)) return file;
  file.close();
  throw kit.error("CONFLICT", `${what} in store "${layout.root}": another process is collecting`, {
    detail: { kind: "store", name: layout.root },
    hint: "Wait until the other process is done, and try again",
  });
}

/** What was used before this value of the counter may go: it is used by no living lease and not since now. */
function findHorizon({ database, leases }: StoreParts): number {
  return database.transact(() => {
    const now = database.nextCount();
    return Math.min(now, leases.oldestLiving() ?? now);
  });
}

/** Drops the rows of blobs that are not needed, and gives those blobs; their files are then nobody's. */
function forgetUnused(
  { database }: StoreParts,
  horizon: number,
  marked: ReadonlySet<Digest>,
): readonly BlobInfo[] {
  return database.transact(() => {
    const unused = database.rows("SELECT digest, size, created_at FROM blobs WHERE used < ? ORDER BY digest", horizon);
    const doomed = unused.map(readBlob).filter((blob) => !marked.has(blob.digest));
    for (const { digest } of doomed) database.run("DELETE FROM blobs WHERE digest = ?", digest);
    return doomed;
  });
}

/**
 * Removes the files of blobs without a row. They are moved away inside the transaction, where no one can note them again, and
 * removed after it, because removing large files takes time.
 */
function removeBlobFiles(parts: StoreParts, digests: readonly Digest[]): void {
  const moved = parts.database.transact(() => {
    return digests.flatMap((digest) => {
      if (parts.database.row("SELECT 1 FROM blobs WHERE digest = ?", digest) !== undefined) return [];
      const target = `${parts.layout.temp}/${crypto.randomUUID()}`;
      return moveFile(blobPath(parts.layout, digest, parts.kit), target) ? [target] : [];
    });
  });
  moved.forEach(removeFile);
}

function moveFile(from: string, to: string): boolean {
  try {
    Deno.renameSync(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Removes files without a row, and rows without a file. */
function sweepOrphans(parts: StoreParts): void {
  const { database, layout } = parts;
  const files = listFiles(layout);
  const noted = new Set(database.rows("SELECT digest FROM blobs").map(([digest]) => String(digest)));
  const orphans = [...files].filter((digest) => !noted.has(digest));
  for (let at = 0; at < orphans.length; at += BATCH) removeBlobFiles(parts, orphans.slice(at, at + BATCH));
  const lost = [...noted].filter(isStoredDigest).filter((digest) => !files.has(digest));
  if (lost.length === 0) return;
  database.transact(() => {
    // A blob may have been written since the directory was read.
    const gone = lost.filter((digest) => fileSize(blobPath(layout, digest, parts.kit)) === undefined);
    for (const digest of gone) database.run("DELETE FROM blobs WHERE digest = ?", digest);
  });
}

function listFiles(layout: Layout): Set<Digest> {
  const digests = new Set<Digest>();
  for (const algorithm of algorithms) {
    for (const entry of Deno.readDirSync(`${layout.blobs}/${algorithm}`)) {
      const digest = `${algorithm}:${entry.name}`;
      if (isStoredDigest(digest)) digests.add(digest);
    }
  }
  return digests;
}
