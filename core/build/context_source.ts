import type { ByteStream } from "../contract/call.ts";
import { readGitQuery } from "../os/git_query.ts";
import { isGitUrl } from "../os/git_url.ts";

/**
 * Where a build context comes from.
 *
 * @example The folder that a program was started in
 * ```ts
 * import type { ContextSource } from "@strata/strata";
 *
 * const context: ContextSource = { type: "directory", path: Deno.cwd() };
 * console.log(context.type);
 * ```
 */
export type ContextSource =
  | { readonly type: "directory"; readonly path: string }
  | {
    readonly type: "tar";
    readonly stream: ByteStream;
    /**
     * Whether who made it left out what its ignore file says, but for the build file and the ignore file, which the build leaves out where
     * that says so: contexts as docker's client sends them. Otherwise a tar is taken whole.
     */
    readonly isFiltered?: boolean;
  }
  | { readonly type: "url"; readonly url: string }
  | {
    readonly type: "git";
    /** Repository, with `#ref` or `#ref:folder` where given. */
    readonly url: string;
    /** Whether the `.git` folder is part of the tree. */
    readonly keepGitDir?: boolean;
    /** Commit, or the start of one, that the checkout must have. */
    readonly checksum?: string;
  };

/**
 * Reads the context of a command line, other than `-`: a directory that exists, else a git or http URL, else a
 * directory. Throws for options of a git URL as {@linkcode readGitQuery} does.
 */
export function parseContextSource(text: string): ContextSource {
  if (isDirectory(text)) return { type: "directory", path: text };
  if (isGitUrl(text)) return { type: "git", ...readGitQuery(text) };
  if (/^https?:\/\//.test(text)) return { type: "url", url: text };
  return { type: "directory", path: text };
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // Absent, or not to be seen: opening it will say so.
    return false;
  }
}
