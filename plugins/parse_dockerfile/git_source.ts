import { readBoolean } from "./check_option.ts";
import { quote } from "./fault.ts";

/** A repository that ADD names. */
export interface GitSource {
  /** What git clones, with `#ref` or `#ref:folder`. */
  readonly url: string;
  /** What the source itself says about its `.git` folder. */
  readonly keepGitDir?: boolean;
  /** Commit that the source itself asks for. */
  readonly checksum?: string;
}

/** A source that looks like a repository and cannot be used. */
export interface GitProblem {
  readonly state: string;
  /** The part that this version cannot do, when it is one. */
  readonly unsupported?: string;
}

const scpStyle = /^([\w-]+@[a-zA-Z0-9.-]+:[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;
const urlStyle = /^((?:https?|ssh|git):\/\/[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/i;

/**
 * Reads a repository address: `https://…/x.git`, `ssh://…`, `git://…` or `user@host:path`, each with a query or `#ref:folder`
 * (BuildKit, dfgitutil). Undefined when the text is none.
 */
export function readGitSource(text: string): GitSource | GitProblem | undefined {
  const [, remote, query = "", fragment = ""] = scpStyle.exec(text) ?? urlStyle.exec(text) ?? [];
  if (remote === undefined) return undefined;
  if (/^https?:/i.test(remote) && !remote.endsWith(".git")) return undefined;
  const colon = fragment.indexOf(":");
  const facts: GitFacts = {
    ref: colon < 0 ? fragment : fragment.slice(0, colon),
    folder: colon < 0 ? "" : fragment.slice(colon + 1),
  };
  for (const [name, value] of new URLSearchParams(query)) {
    const problem = readOption(name, value, facts);
    if (problem !== undefined) return problem;
  }
  return sourceOf(remote, facts);
}

interface GitFacts {
  ref: string;
  folder: string;
  keepGitDir?: boolean;
  checksum?: string;
}

function readOption(name: string, value: string, facts: GitFacts): GitProblem | undefined {
  switch (name) {
    case "ref":
      return setOnce("ref", value, facts);
    case "tag":
      return setOnce("ref", value.startsWith("refs/tags/") ? value : `refs/tags/${value}`, facts);
    case "branch":
      return setOnce("ref", value.startsWith("refs/heads/") ? value : `refs/heads/${value}`, facts);
    case "subdir":
      return setOnce("folder", value, facts);
    case "checksum":
    case "commit":
      facts.checksum = value;
      return value === "" ? { state: `its option ${quote(name)} has no value` } : undefined;
    case "keep-git-dir": {
      const flag = value === "" ? true : readBoolean(value);
      if (flag === undefined) return { state: `its option "keep-git-dir" is ${quote(value)}, expected true or false` };
      facts.keepGitDir = flag;
      return undefined;
    }
    case "submodules":
    case "fetch-by-commit":
    case "mtime":
      return { state: `its option ${quote(name)} is not available in this version`, unsupported: name };
    default:
      return { state: `its option ${quote(name)} is not known` };
  }
}

function setOnce(name: "ref" | "folder", value: string, facts: GitFacts): GitProblem | undefined {
  if (value === "") return { state: `its ${name} has no value` };
  if (facts[name] !== "" && facts[name] !== value) {
    return { state: `it names two: ${quote(facts[name])} and ${quote(value)}` };
  }
  facts[name] = value;
  return undefined;
}

function sourceOf(remote: string, facts: GitFacts): GitSource {
  const { ref, keepGitDir, checksum } = facts;
  const folder = facts.folder.split("/").filter((part) => part !== "" && part !== ".").join("/");
  const fragment = ref === "" && folder === "" ? "" : `#${ref}${folder === "" ? "" : `:${folder}`}`;
  return {
    url: remote + fragment,
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}
