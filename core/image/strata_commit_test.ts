import { assertEquals, assertMatch } from "@std/assert";
import { toFileUrl } from "@std/path";
import { runPeer } from "../../tests/helpers/program.ts";
import { isMissing, peers } from "../../tests/helpers/require.ts";
import { type TempFolder, tempFolder } from "../../tests/helpers/strata.ts";
import { readCommit } from "./strata_commit.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

function commitOf(folder: TempFolder, name = ""): string {
  return readCommit(toFileUrl(`${folder.path}/${name}`));
}

Deno.test("readCommit() gives the commit of a branch, of packed branches, of no branch, and what was written when it was compiled", async () => {
  await using folder = await tempFolder();
  assertEquals(commitOf(folder), "unknown");
  await folder.write({ ".git/HEAD": "ref: refs/heads/a/b\n" });
  assertEquals(commitOf(folder), "unknown", "a branch without commits");
  await folder.write({ ".git/packed-refs": `# pack-refs\n${"f".repeat(40)} refs/heads/b\n${commit} refs/heads/a/b\n` });
  assertEquals(commitOf(folder), commit);
  await folder.write({ ".git/refs/heads/a/b": `${"e".repeat(40)}\n` });
  assertEquals(commitOf(folder), "e".repeat(40));
  await folder.write({ ".git/HEAD": `${commit}\n` });
  assertEquals(commitOf(folder), commit);
  await folder.write({ ".git/HEAD": "nothing of git's\n" });
  assertEquals(commitOf(folder), "unknown");
  await folder.write({ "commit.txt": `${commit}-changed\n` });
  assertEquals(commitOf(folder), `${commit}-changed`);
});

Deno.test("readCommit() says what git says, in a worktree too", { ignore: isMissing(peers.git) }, async () => {
  await using folder = await tempFolder();
  const git = async (...args: string[]): Promise<string> =>
    (await runPeer("git", "-C", `${folder.path}/main`, "-c", "user.name=a", "-c", "user.email=a@b", ...args)).trim();
  await Deno.mkdir(`${folder.path}/main`);
  await git("init", "--quiet");
  await git("commit", "--quiet", "--allow-empty", "--message", "one");
  await git("worktree", "add", "--quiet", `${folder.path}/tree`);
  const head = await git("rev-parse", "HEAD");
  assertEquals([commitOf(folder, "main/"), commitOf(folder, "tree/")], [head, head]);
  await git("pack-refs", "--all");
  assertEquals([commitOf(folder, "main/"), commitOf(folder, "tree/")], [head, head]);
});

Deno.test({
  name: "readCommit() gives unknown, and asks nobody, where it may not read",
  permissions: { read: false },
  fn: () => assertEquals(readCommit(), "unknown"),
});

Deno.test("readCommit() knows the commit of this checkout, if it is one", () => {
  assertMatch(readCommit(), /^(unknown|[0-9a-f]{40})$/);
  assertEquals(readCommit(new URL("https://example.com/strata/")), "unknown");
});
