import type { BlobInfo, Digest, Kit } from "../../core/contract/mod.ts";
import type { Database } from "./database.ts";
import type { Leases } from "./lease.ts";
import { blobPath, fileSize, type Layout, removeFile } from "./layout.ts";

/** What the parts of an open store share. */
export interface StoreParts {
  readonly layout: Layout;
  readonly database: Database;
  readonly leases: Leases;
  readonly kit: Kit;
  readonly clock: () => Date;
}

/**
 * Size of a blob whose row and file are both there and agree; undefined otherwise. While this process holds a lease, the blob
 * counts as used from now on, so no collection removes it until the lease ends.
 */
export function findBlob(parts: StoreParts, digest: Digest): number | undefined {
  const { database } = parts;
  const path = blobPath(parts.layout, digest, parts.kit);
  const row = database.row("SELECT size, used FROM blobs WHERE digest = ?", digest);
  if (row === undefined) return undefined;
  const lease = parts.leases.newest();
  if (lease !== undefined && Number(row.used) < lease) {
    const sql = "UPDATE blobs SET used = (SELECT value FROM counter) WHERE digest = ?";
    if (database.run(sql, digest) === 0) return undefined;
  }
  const size = Number(row.size);
  return fileSize(path) === size ? size : undefined;
}

/**
 * Moves a finished file to its place and notes it, in one transaction: a collection either sees both or none, so it never removes a
 * file that was just moved.
 */
export function landBlob(parts: StoreParts, file: string, blob: { digest: Digest; size: number }): void {
  const { database } = parts;
  const target = blobPath(parts.layout, blob.digest, parts.kit);
  try {
    database.transact(() => {
      database.run(
        "INSERT INTO blobs VALUES (?, ?, ?, (SELECT value FROM counter)) " +
          "ON CONFLICT (digest) DO UPDATE SET size = excluded.size, used = excluded.used",
        blob.digest,
        blob.size,
        parts.clock().getTime(),
      );
      Deno.renameSync(file, target);
    });
  } catch (error) {
    removeUnnoted(parts, blob.digest);
    throw error;
  }
}

/** Every blob noted, by digest. */
export function listBlobs(database: Database): Iterable<BlobInfo> {
  return database.rows("SELECT digest, size, created_at FROM blobs ORDER BY digest").values().map(readBlob);
}

/** A row of digest, size and time of the blobs table as the contract has it. */
export function readBlob([digest, size, createdAt]: readonly unknown[]): BlobInfo {
  return {
    // Only digests that were checked are written.
    digest: String(digest) as Digest,
    size: Number(size),
    createdAt: new Date(Number(createdAt)),
  };
}

/** Removes a blob at once, whoever uses it; false when it is not there. */
export function deleteBlob(parts: StoreParts, digest: Digest): boolean {
  const path = blobPath(parts.layout, digest, parts.kit);
  return parts.database.transact(() => {
    const hadRow = parts.database.run("DELETE FROM blobs WHERE digest = ?", digest) > 0;
    return removeFile(path) || hadRow;
  });
}

/** A transaction that failed after its file had moved, e.g. on a full disk, leaves a file that nothing refers to. */
function removeUnnoted(parts: StoreParts, digest: Digest): void {
  try {
    parts.database.transact(() => {
      const row = parts.database.row("SELECT 1 FROM blobs WHERE digest = ?", digest);
      if (row === undefined) removeFile(blobPath(parts.layout, digest, parts.kit));
    });
  } catch {
    // The failure that led here is the one to report; the next collection sweeps the file.
  }
}
