import { assert, assertEquals, assertRejects } from "@std/assert";
import { isMissing, peers } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import { checkoutGit, type CheckoutOptions, type GitCheckout } from "./git.ts";

const call = { signal: new AbortController().signal };
const ignore = isMissing(peers.git);
const protocols = ["file"];

interface Fixture extends AsyncDisposable {
  readonly url: string;
  readonly directory: string;
  git(...args: string[]): Promise<string>;
}

async function git(directory: string, args: readonly string[]): Promise<string> {
  const who = { GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@t", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@t" };
  const env = { ...who, GIT_COMMITTER_DATE: "1500000000 +0000", GIT_AUTHOR_DATE: "1400000000 +0000" };
  const quiet = ["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"];
  const { code, stdout, stderr } = await new Deno.Command("git", { args: [...quiet, ...args], cwd: directory, env })
    .output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

/** A repository with two commits on `main`, a branch `other`, and an annotated tag `v1` on the first. */
async function openFixture(): Promise<Fixture> {
  const directory = await Deno.makeTempDir();
  const run = (...args: string[]): Promise<string> => git(directory, args);
  await run("init", "--quiet");
  await Deno.mkdir(`${directory}/sub`);
  await Deno.writeTextFile(`${directory}/sub/file`, "one");
  await Deno.writeTextFile(`${directory}/run.sh`, "#!/bin/sh\n", { mode: 0o755 });
  await Deno.symlink("sub/file", `${directory}/link`);
  await run("add", ".");
  await run("commit", "--quiet", "-m", "one");
  await run("tag", "-a", "-m", "v1", "v1");
  await run("branch", "other");
  await Deno.writeTextFile(`${directory}/sub/file`, "two");
  await run("commit", "--quiet", "-a", "-m", "two");
  return {
    url: `file://${directory}`,
    directory,
    git: run,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

function checkOut(url: string, options: CheckoutOptions = {}): Promise<GitCheckout> {
  return checkoutGit(url, { protocols, ...options }, call);
}

Deno.test({
  name: "checkoutGit() gives the files of a commit when a reference names it",
  ignore,
  async fn(): Promise<void> {
    await using repository = await openFixture();
    const first = await repository.git("rev-parse", "v1^{commit}");
    const second = await repository.git("rev-parse", "main");
    const cases = [
      ["", second, "two"],
      ["#main", second, "two"],
      ["#other", first, "one"],
      ["#v1", first, "one"],
      ["#refs/heads/other", first, "one"],
      [`#${first}`, first, "one"],
      [`#${first.slice(0, 10)}`, first, "one"],
    ] as const;
    for (const [fragment, commit, text] of cases) {
      await using checkout = await checkOut(repository.url + fragment);
      assertEquals(checkout.commit, commit, fragment);
      assertEquals(checkout.committedAt, 1_500_000_000);
      assertEquals(Deno.readTextFileSync(`${checkout.path}/sub/file`), text, fragment);
      assertEquals(Deno.readLinkSync(`${checkout.path}/link`), "sub/file");
      assertEquals([...Deno.readDirSync(checkout.path)].map(({ name }) => name).sort(), ["link", "run.sh", "sub"]);
    }
  },
});

Deno.test({
  name: "checkoutGit() removes its directory when it is disposed or fails",
  ignore,
  async fn(): Promise<void> {
    await using repository = await openFixture();
    let path = "";
    {
      await using checkout = await checkOut(`${repository.url}#:sub`);
      path = checkout.path;
      assertEquals(checkout.directory, "sub");
    }
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "checkoutGit() keeps a repository without traces of where it came from when the folder is wanted",
  ignore,
  async fn(): Promise<void> {
    await using repository = await openFixture();
    await using checkout = await checkOut(repository.url, { keepGitDir: true });
    const head = await git(checkout.path, ["rev-parse", "HEAD"]);
    assertEquals(head, checkout.commit);
    await assertRejects(() => Deno.lstat(`${checkout.path}/.git/FETCH_HEAD`), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "checkoutGit() checks the commit when a checksum is given",
  ignore,
  async fn(): Promise<void> {
    await using repository = await openFixture();
    const commit = await repository.git("rev-parse", "main");
    await using checkout = await checkOut(repository.url, { checksum: commit.slice(0, 12).toUpperCase() });
    assertEquals(checkout.commit, commit);
    const wrong = () => checkOut(repository.url, { checksum: "0000000000" });
    assertEquals((await assertRejects(wrong, EngineError)).code, "CONTENT_MISMATCH");
    const bad = () => checkOut(repository.url, { checksum: "main" });
    assertEquals((await assertRejects(bad, EngineError)).code, "INVALID_ARGUMENT");
  },
});

Deno.test({
  name: "checkoutGit() rejects NOT_FOUND when the reference is unknown",
  ignore,
  async fn(): Promise<void> {
    await using repository = await openFixture();
    const error = await assertRejects(() => checkOut(`${repository.url}#absent`), EngineError);
    assertEquals(error.code, "NOT_FOUND");
    assert(error.message.includes('"absent" is not in it'), error.message);
  },
});

Deno.test({
  name: "checkoutGit() rejects REMOTE_FAILED when the repository is absent or the protocol is not allowed",
  ignore,
  async fn(): Promise<void> {
    await using repository = await openFixture();
    const absent = () => checkOut("file:///nonexistent/repository.git");
    assertEquals((await assertRejects(absent, EngineError)).code, "REMOTE_FAILED");
    const local = () => checkoutGit(repository.url, {}, call);
    const error = await assertRejects(local, EngineError);
    assertEquals(error.code, "REMOTE_FAILED");
    assert(error.message.includes("not allowed"), error.message);
  },
});

Deno.test({
  name: "checkoutGit() runs no hook when the user's settings have one",
  ignore,
  async fn(): Promise<void> {
    await using repository = await openFixture();
    const hooks = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${hooks}/post-checkout`, `#!/bin/sh\ntouch ${hooks}/ran\n`, { mode: 0o755 });
      await Deno.writeTextFile(`${hooks}/config`, `[core]\n\thooksPath = ${hooks}\n`);
      await using checkout = await checkOut(repository.url, { keepGitDir: true });
      assert(checkout.commit !== "");
      await assertRejects(() => Deno.lstat(`${hooks}/ran`), Deno.errors.NotFound);
    } finally {
      await Deno.remove(hooks, { recursive: true });
    }
  },
});

Deno.test({
  name: "checkoutGit() takes submodules along when the repository has them",
  ignore,
  async fn(): Promise<void> {
    await using inner = await openFixture();
    await using repository = await openFixture();
    await repository.git("submodule", "--quiet", "add", inner.url, "inner");
    await repository.git("commit", "--quiet", "-m", "inner");
    await using checkout = await checkOut(repository.url);
    assertEquals(Deno.readTextFileSync(`${checkout.path}/inner/sub/file`), "two");
    await assertRejects(() => Deno.lstat(`${checkout.path}/inner/.git`), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "checkoutGit() rejects CANCELED when the signal aborts",
  ignore,
  async fn(): Promise<void> {
    const aborted = { signal: AbortSignal.abort() };
    const error = await assertRejects(() => checkoutGit("https://example.com/r.git", {}, aborted), EngineError);
    assertEquals(error.code, "CANCELED");
  },
});
