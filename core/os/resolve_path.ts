import { EngineError } from "../errors.ts";
import type { FileStat } from "./file_stat.ts";

/** What following a path needs to know of the files on it; a `Root` tells it. */
export interface PathLookup {
  /** State of a file, no symlink followed; undefined when absent. */
  lstat(path: string): FileStat | undefined;
  /** Target of a symlink. */
  readLink(path: string): string;
}

/** Most symlinks that one path may go through, as on Linux. */
const maxLinks = 40;

/**
 * Follows a path inside a root: symlinks on the way, and the last part too where asked; `..` and absolute targets stop at the root.
 * The result is clean, `.` for the root; parts from the first absent one on are kept. Throws `INVALID_ARGUMENT` after 40 symlinks.
 */
export function resolvePath(lookup: PathLookup, path: string, isLastFollowed: boolean): string {
  const rest = partsOf(path).reverse();
  const done: string[] = [];
  let links = 0;
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === "..") {
      done.pop();
      continue;
    }
    const next = [...done, part].join("/");
    const isLink = (rest.length > 0 || isLastFollowed) && lookup.lstat(next)?.type === "symlink";
    if (!isLink) {
      done.push(part);
      continue;
    }
    if (++links > maxLinks) throw loop(path);
    const target = lookup.readLink(next);
    if (target.startsWith("/")) done.length = 0;
    rest.push(...partsOf(target).reverse());
  }
  return done.length === 0 ? "." : done.join("/");
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function loop(path: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot resolve path "${path}": its symlinks form a loop`, {
    detail: { field: "path", value: path },
  });
}
