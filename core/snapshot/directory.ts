import { isEngineError } from "../errors.ts";
import { errnoOf } from "../os/errno.ts";
import { linkKey } from "../os/file_stat.ts";
import { openRoot, type Root, type Scan } from "../os/file_system.ts";
import { attempt } from "./mount_place.ts";

/**
 * Bytes of the files below a directory of this host, each counted once however many names it has; 0 when it is absent. What goes away
 * meanwhile is not counted, nor are the files of a directory that may not be read or that holds names which are not UTF-8.
 */
export function fileBytes(directory: string): number {
  const root = openDirectory(directory);
  if (root === undefined) return 0;
  using _ = root;
  const linked = new Set<string>();
  let bytes = 0;
  const queue = ["."];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const scan = scanIfThere(root, path);
    scan?.names.forEach((name, index) => {
      const type = scan.type(index);
      if (type === "directory") queue.push(path === "." ? name : `${path}/${name}`);
      if (type !== "file") return;
      const stat = scan.stat(index);
      if (stat.links > 1) {
        const key = linkKey(stat);
        if (linked.has(key)) return;
        linked.add(key);
      }
      bytes += stat.size;
    });
  }
  return bytes;
}

function openDirectory(path: string): Root | undefined {
  try {
    return openRoot(path);
  } catch (error) {
    if (isBeyondReach(errnoOf(error))) return undefined;
    throw error;
  }
}

function scanIfThere(root: Root, path: string): Scan | undefined {
  try {
    return root.scan(path);
  } catch (error) {
    if (isBeyondReach(errnoOf(error))) return undefined;
    if (isEngineError(error) && error.code === "UNSUPPORTED") return undefined;
    throw error;
  }
}

function isBeyondReach(errno: string | undefined): boolean {
  return errno !== undefined && ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(errno);
}

/** Removes a directory of this host with all that is in it, also what its owner may not write to; an absent one is none. */
export function removeTree(path: string): void {
  attempt("remove", path, () => {
    try {
      removeIfThere(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
      // A directory without the permission to write keeps its files from anyone but root.
      makeWritable(path);
      removeIfThere(path);
    }
  });
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function makeWritable(directory: string): void {
  Deno.chmodSync(directory, 0o700);
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) makeWritable(`${directory}/${name}`);
  }
}
