import { EngineError } from "../errors.ts";
import { redactUrl } from "./git_url.ts";

/** A git URL whose options were taken out of it. */
export interface GitQuery {
  /** The URL with `#ref:folder` and without a query. */
  readonly url: string;
  /** Whether the `.git` folder is part of the tree; undefined when the URL does not say. */
  readonly keepGitDir?: boolean;
  /** Commit, or the start of one, that the checkout must have; undefined when the URL does not say. */
  readonly checksum?: string;
}

/** Options that BuildKit has and strata does not. */
const unsupported: readonly string[] = ["submodules", "fetch-by-commit", "mtime"];
const known: readonly string[] = ["ref", "branch", "tag", "subdir", "checksum", "commit", "keep-git-dir"];

/**
 * Takes the options out of a git URL: `https://host/repo.git?branch=main&subdir=app` (BuildKit, dfgitutil). Throws
 * `INVALID_ARGUMENT` for unknown and contradicting ones, `UNSUPPORTED` for `submodules`, `fetch-by-commit` and `mtime`.
 */
export function readGitQuery(url: string): GitQuery {
  const [, remote = url, query, fragment = ""] = /^([^?#]*)\?([^#]*)(?:#(.*))?$/.exec(url) ?? [];
  if (query === undefined) return { url };
  const colon = fragment.indexOf(":");
  const facts = new Map<string, string>();
  const note = (name: string, value: string): void => {
    const before = facts.get(name);
    if (before !== undefined && before !== value) {
      throw refused(url, `it asks for the ${name}s "${before}" and "${value}"`);
    }
    facts.set(name, value);
  };
  if (fragment !== "" && colon !== 0) note("reference", colon < 0 ? fragment : fragment.slice(0, colon));
  if (colon >= 0 && colon < fragment.length - 1) note("folder", fragment.slice(colon + 1));
  for (const [name, value] of new URLSearchParams(query)) readOption(url, { name, value }, note);
  const keep = facts.get("keep-git-dir");
  const checksum = facts.get("commit");
  const folder = facts.get("folder");
  const place = `${facts.get("reference") ?? ""}${folder === undefined ? "" : `:${folder}`}`;
  return {
    url: place === "" ? remote : `${remote}#${place}`,
    ...(keep === undefined ? {} : { keepGitDir: keep === "true" }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

function readOption(
  url: string,
  { name, value }: { readonly name: string; readonly value: string },
  note: (name: string, value: string) => void,
): void {
  if (unsupported.includes(name)) {
    throw new EngineError("UNSUPPORTED", `Cannot use option "${name}" of git URL "${shown(url)}"`, {
      detail: { what: `git URL option ${name}`, known },
    });
  }
  if (!known.includes(name)) throw refused(url, `its option "${name.slice(0, 100)}" is not known`);
  if (name === "keep-git-dir") return note(name, readFlag(url, value));
  if (value === "") throw refused(url, `its option "${name}" has no value`);
  if (name === "subdir") note("folder", value);
  else if (name === "checksum" || name === "commit") note("commit", value);
  else note("reference", name === "ref" ? value : fullName(name, value));
}

function fullName(kind: string, name: string): string {
  const prefix = kind === "tag" ? "refs/tags/" : "refs/heads/";
  return name.startsWith(prefix) ? name : prefix + name;
}

function readFlag(url: string, value: string): string {
  if (/^(?:|1|t|true)$/i.test(value)) return "true";
  if (/^(?:0|f|false)$/i.test(value)) return "false";
  throw refused(url, 'its option "keep-git-dir" is neither true nor false');
}

function refused(url: string, why: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot use git URL "${shown(url)}": ${why}`, {
    detail: { field: "url", value: shown(url), known },
    hint: "Write it as https://host/repository.git#ref:folder or https://host/repository.git?ref=ref&subdir=folder",
  });
}

function shown(url: string): string {
  return redactUrl(url).slice(0, 200);
}
