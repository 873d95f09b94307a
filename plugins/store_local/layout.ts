import type { Kit } from "../../core/contract/mod.ts";
import { fileFailure, isMissing } from "./failure.ts";

/** Where the parts of a store are. All paths are absolute when the root is. */
export interface Layout {
  /** The store's directory. */
  readonly root: string;
  /** The database file. */
  readonly database: string;
  /** Directory of files being written. */
  readonly temp: string;
  /** Directory of lease files. */
  readonly leases: string;
  /** File whose lock makes collections happen one at a time. */
  readonly collectLock: string;
  /** Directory with one directory of blobs per digest algorithm. */
  readonly blobs: string;
}

/** Digest algorithms whose blobs the store keeps. */
export const algorithms = ["sha256", "sha512"] as const;

/** The layout below a root. */
export function layoutOf(root: string): Layout {
  return {
    root,
    database: `${root}/store.db`,
    temp: `${root}/tmp`,
    leases: `${root}/leases`,
    collectLock: `${root}/gc.lock`,
    blobs: `${root}/blobs`,
  };
}

/**
 * Makes the directories of a new store and the file that says it is an OCI layout. They are for this user only: layers hold files that
 * not everybody may read in a container. Throws `OS_FAILED`.
 */
export function createLayout(layout: Layout, kit: Kit): void {
  try {
    const paths = [...algorithms.map((algorithm) => `${layout.blobs}/${algorithm}`), layout.temp, layout.leases];
    for (const path of paths) Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    Deno.writeTextFileSync(`${layout.root}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  } catch (error) {
    throw fileFailure(kit, error, { what: `Cannot create store "${layout.root}"`, path: layout.root });
  }
}

/** A digest by an algorithm that the store keeps. */
export type StoredDigest = `${typeof algorithms[number]}:${string}`;

/** Whether the text is a digest that the store can keep, so that it is safe as part of a path. */
export function isStoredDigest(text: string): text is StoredDigest {
  return /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

/** File of a blob. Throws `INVALID_ARGUMENT` for what is no digest. */
export function blobPath(layout: Layout, digest: string, kit: Kit): string {
  if (isStoredDigest(digest)) return `${layout.blobs}/${digest.replace(":", "/")}`;
  const shown = digest.slice(0, 160);
  throw kit.error("INVALID_ARGUMENT", `Cannot use digest "${shown}": expected sha256 or sha512 and hex digits`, {
    detail: { field: "digest", value: shown },
  });
}

/** Size of a regular file in bytes; undefined when it is not there. */
export function fileSize(path: string): number | undefined {
  try {
    const info = Deno.lstatSync(path);
    return info.isFile ? info.size : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Removes a file; false when it is not there. */
export function removeFile(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Puts the entries of a directory on disk. */
export async function syncDirectory(path: string): Promise<void> {
  // Only Unix systems can open a directory; elsewhere the file system keeps the order itself.
  if (Deno.build.os === "windows") return;
  using directory = Deno.openSync(path);
  await directory.sync();
}
