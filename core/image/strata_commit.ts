/**
 * The commit that this strata was made from, 40 hex digits, with `-changed` behind it where files differed when it was compiled; of a
 * checkout what its .git says, whose changes are not looked for. `unknown` where nothing tells, or where that may not be read.
 */
export function readCommit(folder: URL = new URL("../../", import.meta.url)): string {
  if (folder.protocol !== "file:") return "unknown";
  // Asking for the permission by reading would have Deno ask the user.
  if (Deno.permissions.querySync({ name: "read", path: folder }).state !== "granted") return "unknown";
  return readLine(new URL("commit.txt", folder)) ?? readHead(folder) ?? "unknown";
}

function readHead(folder: URL): string | undefined {
  const git = gitFolder(folder);
  const head = readLine(new URL("HEAD", git));
  if (head === undefined) return undefined;
  const reference = /^ref: (.+)$/.exec(head)?.[1];
  if (reference === undefined) return onlyCommit(head);
  // A worktree has its own HEAD; branches are in the folder that it shares.
  const common = readLine(new URL("commondir", git));
  const shared = common === undefined ? git : new URL(`${common}/`, git);
  return onlyCommit(readLine(new URL(reference, git))) ?? onlyCommit(readLine(new URL(reference, shared))) ??
    packedCommit(readText(new URL("packed-refs", shared)), reference);
}

/** The folder `.git`, which in a worktree is a file that names another one. */
function gitFolder(folder: URL): URL {
  const elsewhere = /^gitdir: (.+)$/.exec(readLine(new URL(".git", folder)) ?? "")?.[1];
  return elsewhere === undefined ? new URL(".git/", folder) : new URL(`${elsewhere}/`, folder);
}

function packedCommit(text: string | undefined, reference: string): string | undefined {
  const line = text?.split("\n").find((each) => each.endsWith(` ${reference}`));
  return onlyCommit(line?.split(" ")[0]);
}

function onlyCommit(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}

function readLine(path: URL): string | undefined {
  return readText(path)?.split("\n")[0]?.trim();
}

function readText(path: URL): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
