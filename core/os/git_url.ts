import { EngineError } from "../errors.ts";

/** Where a checkout comes from. */
export interface GitSource {
  /** Repository, as git takes it. May hold a user name and password. */
  readonly remote: string;
  /** Branch, tag, full name of a reference, or commit; undefined for the remote's default branch. */
  readonly ref: string | undefined;
  /** Folder of the repository that is wanted, clean and relative; undefined for all of it. */
  readonly directory: string | undefined;
}

/** Whether a text names a git repository and not a file to download, as `docker build` tells them apart. */
export function isGitUrl(text: string): boolean {
  if (/^(git|ssh):\/\//.test(text) || /^git@[^/\s]+:/.test(text) || /^github\.com\//.test(text)) return true;
  return /^https?:\/\/[^#?]*\.git(?:[?#].*)?$/.test(text);
}

/**
 * Takes a git URL apart: `https://host/repo.git#ref:folder`, `git://`, `ssh://`, `git@host:repo.git`,
 * `github.com/owner/repo`. Throws `INVALID_ARGUMENT` for anything that git could take for an option or another
 * protocol.
 */
export function parseGitUrl(url: string): GitSource {
  const hash = url.indexOf("#");
  const remote = hash < 0 ? url : url.slice(0, hash);
  const [ref = "", ...rest] = hash < 0 ? [] : url.slice(hash + 1).split(":");
  if (
    !/^(https?|git|ssh|file):\/\/[^-\s]|^[\w.]+@[^-\s:/][^\s:/]*:[^-\s]|^github\.com\/[^-\s]/.test(remote) ||
    /[\0-\x20]/.test(remote)
  ) {
    throw refused(url, "it is not the URL of a git repository");
  }
  if (/^-|\.\.|[\0-\x20~^?*[\\\x7f]|@\{/.test(ref)) {
    throw refused(url, `"${ref}" is not the name of a branch, tag or commit`);
  }
  const folder = rest.join(":").split("/").filter((part) => part !== "" && part !== ".");
  if (folder.includes("..")) throw refused(url, "its folder leads outside the repository");
  return {
    remote: remote.startsWith("github.com/") ? `https://${remote}` : remote,
    ref: ref === "" ? undefined : ref,
    directory: folder.length === 0 ? undefined : folder.join("/"),
  };
}

/** A URL without the user name and password in it. */
export function redactUrl(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/?#]*@/, "$1");
}

function refused(url: string, why: string): EngineError {
  const shown = redactUrl(url).slice(0, 200);
  return new EngineError("INVALID_ARGUMENT", `Cannot use git URL "${shown}": ${why}`, {
    detail: { field: "url", value: shown },
    hint: "Write it as https://host/repository.git#ref:folder",
  });
}
