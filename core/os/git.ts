import { EngineError } from "../errors.ts";
import { type GitSource, parseGitUrl, redactUrl } from "./git_url.ts";
import { notRunnable, type ProgramResult, runProgram } from "./process.ts";

export { type GitSource, isGitUrl, parseGitUrl } from "./git_url.ts";

/** How a repository is checked out. */
export interface CheckoutOptions {
  /** Whether the `.git` folder stays; without one, files are all there is. */
  readonly keepGitDir?: boolean;
  /** Commit, or the start of one, that the checkout must have; hex digits. */
  readonly checksum?: string | undefined;
  /** Protocols git may use, also for submodules; https, http, ssh and git when left out. */
  readonly protocols?: readonly string[];
}

/** A commit in a temporary directory, which is removed when it is disposed. */
export interface GitCheckout extends AsyncDisposable {
  /** Absolute path of the checked out files. */
  readonly path: string;
  /** The folder that the URL asks for, clean and relative; `.` for all. May be a symlink. */
  readonly directory: string;
  /** Full name of the commit. */
  readonly commit: string;
  /** When it was committed, seconds since the Unix epoch. */
  readonly committedAt: number;
}

/** What the environment may say that would lead git to another repository than the one that is checked out. */
const unset = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_NAMESPACE",
  "GIT_PREFIX",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_PARAMETERS",
  "GIT_TEMPLATE_DIR",
  "GIT_ASKPASS",
  "SSH_ASKPASS",
] as const;

/** Settings that no repository and no user's file can change: no hooks, no prompts, no surprises in line ends. */
const settings = [
  "protocol.ext.allow=never",
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.autocrlf=false",
  "core.symlinks=true",
  "core.sshCommand=ssh -oBatchMode=yes",
  "advice.detachedHead=false",
  "init.defaultBranch=main",
  "gc.auto=0",
  "maintenance.auto=false",
] as const;

/**
 * Checks out a commit by the host's git, as little of the history as the server lets have, submodules included as
 * `docker build` does. Rejects `INVALID_ARGUMENT` for a bad URL, `UNSUPPORTED` without git, `NOT_FOUND` for an unknown
 * reference, `REMOTE_FAILED` when the repository cannot be read, `CONTENT_MISMATCH` for a commit other than the
 * checksum says, `CANCELED`.
 */
export async function checkoutGit(
  url: string,
  options: CheckoutOptions,
  call: { readonly signal: AbortSignal },
): Promise<GitCheckout> {
  const source = parseGitUrl(url);
  const path = await Deno.makeTempDir({ prefix: "strata-git-" });
  try {
    const repository = new Repository(path, source, { options, signal: call.signal });
    const commit = await repository.fetchCommit();
    checkCommit(source, commit, options.checksum);
    const committedAt = await repository.checkOut(commit);
    await removeGitFiles(path, options.keepGitDir ?? false, repository.submodules);
    const directory = source.directory ?? ".";
    return {
      path,
      directory,
      commit,
      committedAt,
      [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
    };
  } catch (error) {
    await Deno.remove(path, { recursive: true });
    throw error;
  }
}

class Repository {
  readonly #path: string;
  readonly #source: GitSource;
  readonly #env: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;
  /** Folders of the submodules that were checked out. */
  submodules: readonly string[] = [];

  constructor(
    path: string,
    source: GitSource,
    how: { readonly options: CheckoutOptions; readonly signal: AbortSignal },
  ) {
    this.#path = path;
    this.#source = source;
    this.#signal = how.signal;
    const protocols = how.options.protocols ?? ["https", "http", "ssh", "git"];
    this.#env = {
      GIT_TERMINAL_PROMPT: "0",
      GIT_ALLOW_PROTOCOL: protocols.join(":"),
      GCM_INTERACTIVE: "never",
      SSH_ASKPASS_REQUIRE: "never",
      LC_ALL: "C",
    };
  }

  /** Fetches what the reference points at; gives the commit. */
  async fetchCommit(): Promise<string> {
    const { remote, ref } = this.#source;
    await this.#need(["init", "--quiet", "--template="]);
    // Submodules with relative URLs count from here; a password in it would end up in a kept .git folder.
    await this.#need(["config", "remote.origin.url", redactUrl(remote)]);
    const shallow = await this.#git(["fetch", "--quiet", "--no-tags", "--depth=1", "--", remote, ref ?? "HEAD"]);
    if (shallow.code === 0) return await this.#commitOf("FETCH_HEAD") ?? this.#fail("NOT_FOUND", shallow);
    // A server may refuse commits by name or a part of the history, and a short commit is not known to it.
    const refspecs = [
      "+refs/heads/*:refs/remotes/origin/*",
      "+refs/tags/*:refs/tags/*",
      "+HEAD:refs/remotes/origin/HEAD",
    ];
    const whole = await this.#git(["fetch", "--quiet", "--", remote, ...refspecs]);
    if (whole.code !== 0) this.#fail("REMOTE_FAILED", whole);
    for (const name of ref === undefined ? ["origin/HEAD"] : [`origin/${ref}`, `refs/tags/${ref}`, ref]) {
      const commit = await this.#commitOf(name);
      if (commit !== undefined) return commit;
    }
    return this.#fail("NOT_FOUND", shallow);
  }

  /** Writes a commit's files; gives the time of the commit. */
  async checkOut(commit: string): Promise<number> {
    await this.#need(["checkout", "--quiet", "--force", "--detach", commit]);
    if (await exists(`${this.#path}/.gitmodules`)) {
      await this.#need(["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"]);
      const list = ["submodule", "--quiet", "foreach", "--recursive", 'printf "%s\\0" "$displaypath"'];
      this.submodules = (await this.#need(list)).stdout.split("\0").filter((path) => path !== "");
    }
    const { stdout } = await this.#need(["show", "--no-patch", "--format=%ct", commit]);
    return Number(stdout.trim()) || 0;
  }

  async #commitOf(name: string): Promise<string | undefined> {
    const { code, stdout } = await this.#git([
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${name}^{commit}`,
    ]);
    const commit = stdout.trim().split("\n").at(-1) ?? "";
    return code === 0 && /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
  }

  async #need(args: readonly string[]): Promise<ProgramResult> {
    const result = await this.#git(args);
    return result.code === 0 ? result : this.#fail("REMOTE_FAILED", result);
  }

  async #git(args: readonly string[]): Promise<ProgramResult> {
    const result = await runProgram("git", {
      args: [...settings.flatMap((setting) => ["-c", setting]), ...args],
      directory: this.#path,
      env: this.#env,
      unset,
    }, { signal: this.#signal });
    // What `env` answers when it does not find the program it is to run.
    if (result.code === 127) throw notRunnable("git");
    return result;
  }

  #fail(code: "REMOTE_FAILED" | "NOT_FOUND", { stderr }: ProgramResult): never {
    const { remote, ref } = this.#source;
    const url = redactUrl(remote);
    const said = redactOutput(stderr, remote);
    const what = code === "NOT_FOUND" ? `"${ref ?? "HEAD"}" is not in it` : said.split("\n")[0] || "git failed";
    throw new EngineError(code, `Cannot check out git repository "${url}": ${what}`, {
      detail: code === "NOT_FOUND"
        ? { kind: "git reference", name: ref ?? "HEAD", output: said }
        : { url, output: said },
      hint: code === "NOT_FOUND"
        ? "Name a branch, tag or commit that the repository has"
        : "Check the URL, and that git can read it without asking for a password",
    });
  }
}

function checkCommit(source: GitSource, commit: string, checksum: string | undefined): void {
  if (checksum === undefined) return;
  const expected = checksum.toLowerCase();
  if (!/^[0-9a-f]{4,64}$/.test(expected)) {
    throw new EngineError(
      "INVALID_ARGUMENT",
      `Cannot use git checksum "${checksum.slice(0, 100)}": it is not a commit`,
      {
        detail: { field: "checksum", value: checksum.slice(0, 100) },
        hint: "Give the commit in hex, at least its first 4 digits",
      },
    );
  }
  if (commit.startsWith(expected)) return;
  throw new EngineError(
    "CONTENT_MISMATCH",
    `Cannot use git repository "${redactUrl(source.remote)}": it has commit "${commit}", expected "${expected}"`,
    { detail: { expected, actual: commit } },
  );
}

/**
 * Removes the `.git` folder, or from one that is kept what tells where it was fetched from and differs from run to run.
 */
async function removeGitFiles(path: string, isKept: boolean, submodules: readonly string[]): Promise<void> {
  if (!isKept) {
    for (const submodule of submodules) await Deno.remove(`${path}/${submodule}/.git`, { recursive: true });
    return await Deno.remove(`${path}/.git`, { recursive: true });
  }
  for (const name of ["FETCH_HEAD", "ORIG_HEAD", "logs", "hooks"]) {
    if (await exists(`${path}/.git/${name}`)) await Deno.remove(`${path}/.git/${name}`, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** At most 2 KiB of what git printed, without passwords. */
function redactOutput(text: string, remote: string): string {
  return text.replaceAll(remote, redactUrl(remote)).replace(/(\w+:\/\/)[^/?#\s]*@/g, "$1").trim().slice(0, 2048);
}
