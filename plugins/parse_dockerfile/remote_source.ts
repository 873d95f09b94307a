import type { NodeId } from "../../core/contract/mod.ts";
import { quote } from "./fault.ts";
import { readGitSource } from "./git_source.ts";
import { fail, type Lowering, unsupported } from "./lowering.ts";
import { redactUrls } from "./redact.ts";

/** What ADD says about its sources. */
export interface RemoteFlags {
  readonly checksum: string | undefined;
  readonly keepGitDir: boolean | undefined;
  /** Whether the destination is a folder, so that a downloaded file needs a name of its own. */
  readonly isIntoFolder: boolean;
}

/** A remote source of ADD. */
export interface RemoteSource {
  readonly type: "file" | "repository";
  readonly node: NodeId;
  /** What to copy of the node's tree. */
  readonly path: string;
}

const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

const oneOfTwo = "Keep one of the two";

/** Whether a source is a URL or a repository and not a path; those of other schemes are refused when they are opened. */
export function isRemote(text: string): boolean {
  return readGitSource(text) !== undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/** Makes the node that a URL or a repository is read from. Throws `PARSE_FAILED`, `UNSUPPORTED`. */
export function openRemote(text: string, flags: RemoteFlags, lowering: Lowering): RemoteSource {
  const shown = redactUrls(text);
  const git = readGitSource(text);
  if (git === undefined) return openUrl(text, flags, lowering);
  if ("state" in git) {
    const message = `Cannot add repository ${quote(shown)}: ${git.state}`;
    throw git.unsupported === undefined ? fail(message, lowering) : unsupported(message, lowering, git.unsupported);
  }
  const { keepGitDir = flags.keepGitDir ?? false, checksum = flags.checksum } = git;
  if (flags.keepGitDir !== undefined && keepGitDir !== flags.keepGitDir) {
    throw fail(`Cannot add repository ${quote(shown)}: it and the flag differ about keep-git-dir`, lowering, oneOfTwo);
  }
  if (flags.checksum !== undefined && checksum !== flags.checksum) {
    throw fail(`Cannot add repository ${quote(shown)}: it and the flag name different checksums`, lowering, oneOfTwo);
  }
  if (checksum !== undefined && !/^[0-9a-f]{7,64}$/i.test(checksum)) {
    const message = `Cannot use checksum ${quote(checksum)}: expected a commit or the start of one`;
    throw fail(message, lowering, "Write 7 to 64 hexadecimal digits");
  }
  const pinned = checksum === undefined ? {} : { checksum };
  const node = lowering.session.graph.add({ type: "git", url: git.url, keepGitDir, ...pinned });
  return { type: "repository", node, path: "." };
}

function openUrl(text: string, flags: RemoteFlags, lowering: Lowering): RemoteSource {
  const { session, stage, prefix, instruction } = lowering;
  const url = readUrl(text);
  if (url === undefined) {
    const message = `Cannot add ${quote(text)}: not a URL of http or https, nor a repository`;
    throw fail(message, lowering, "Write https://HOST/PATH, or a file of the build context without ://");
  }
  if (flags.checksum !== undefined && !isDigest(flags.checksum)) {
    const message = `Cannot use checksum ${quote(flags.checksum)}: expected sha256: and 64 hexadecimal digits`;
    throw fail(message, lowering, "Write sha256: and what sha256sum prints for the file");
  }
  const given = fileNameOf(url);
  if (given === undefined && flags.isIntoFolder) {
    const state = "its path ends in no file name, and the destination is a folder";
    throw fail(
      `Cannot add ${quote(text)}: ${state}`,
      lowering,
      "Write the file's name at the end of the destination",
    );
  }
  const name = given ?? "download";
  const scratch = session.graph.add({ type: "scratch" });
  const node = session.graph.add({
    type: "layer",
    op: { kind: "fetch", args: { url: text, checksum: flags.checksum ?? null, name } },
    inputs: [scratch],
    ...(stage.noCache ? { noCache: true } : {}),
    name: `${prefix}ADD ${redactUrls(text)}`,
    at: instruction.at,
  });
  return { type: "file", node, path: name };
}

function readUrl(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

function fileNameOf(url: URL): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(url.pathname);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    // A path with stray percent signs is its own name.
    path = url.pathname;
  }
  const name = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return name === "" || name === "." || name === ".." || name.includes("\0") ? undefined : name;
}

function isDigest(text: string): boolean {
  const [, algorithm = "", hex = ""] = /^([a-z0-9]+):([0-9a-f]+)$/.exec(text) ?? [];
  return Object.hasOwn(digestLengths, algorithm) && digestLengths[algorithm] === hex.length;
}
