import { fromFileUrl } from "@std/path";
import { runPeer } from "./program.ts";
import { strataBinary, type StrataOutput } from "./strata.ts";

/** A user of this machine who is not root, with a copy of strata that may be read. Gone when disposed. */
export interface PlainUser extends AsyncDisposable {
  /** Directory of the user's own. */
  readonly home: string;
  /** Runs strata as this user, with its data below `home`. */
  strata(...args: readonly string[]): Promise<StrataOutput>;
  /** Starts strata as this user, with its standard error to read. */
  start(...args: readonly string[]): Deno.ChildProcess;
  /** Puts a file where the user can read it; gives its path. */
  give(path: string, name: string): Promise<string>;
}

const name = "strata-test-user";
const repository = fromFileUrl(new URL("../../", import.meta.url));

/** Makes the user with its ranges of subordinate ids. Needs root. */
export async function makePlainUser(): Promise<PlainUser> {
  await using stack = new AsyncDisposableStack();
  const home = await Deno.makeTempDir({ prefix: "strata-user-" });
  stack.defer(() => Deno.remove(home, { recursive: true }));
  await new Deno.Command("userdel", { args: [name], stdout: "null", stderr: "null" }).output();
  await runPeer("useradd", "--home-dir", home, "--no-create-home", name);
  stack.defer(async () => void await runPeer("userdel", name));
  const cache = `${home}/cache`;
  const command = await giveCommand(home, cache);
  await runPeer("chown", "-R", `${name}:${name}`, home);
  const own = (args: readonly string[], stdout: "piped" | "null"): Deno.Command =>
    new Deno.Command("setpriv", {
      args: [`--reuid=${name}`, `--regid=${name}`, "--init-groups", ...command, ...args],
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: home,
        DENO_DIR: cache,
        STRATA_ROOT: `${home}/root`,
        NO_COLOR: "1",
        SOURCE_DATE_EPOCH: "1000000000",
      },
      cwd: home,
      stdin: "null",
      stdout,
      stderr: "piped",
    });
  const held = stack.move();
  return {
    home,
    async strata(...args): Promise<StrataOutput> {
      const { code: exitCode, stdout, stderr } = await own(args, "piped").output();
      const decoder = new TextDecoder();
      return { code: exitCode, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
    start: (...args) => own(args, "null").spawn(),
    async give(path, file): Promise<string> {
      const target = `${home}/${file}`;
      await runPeer("cp", "-r", path, target);
      await runPeer("chown", "-R", `${name}:${name}`, target);
      return target;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Puts a copy of strata into the user's directory; gives its command line. */
async function giveCommand(home: string, cache: string): Promise<readonly string[]> {
  const binary = strataBinary();
  if (binary !== undefined) {
    await Deno.copyFile(binary, `${home}/strata`);
    await Deno.chmod(`${home}/strata`, 0o755);
    return [`${home}/strata`];
  }
  const code = `${home}/strata`;
  await Deno.mkdir(code);
  for (const part of ["cli.ts", "core", "plugins", "deno.json", "deno.lock"]) {
    await runPeer("cp", "-r", `${repository}/${part}`, code);
  }
  // The one that runs the tests may be in a directory of root's.
  await Deno.copyFile(Deno.execPath(), `${home}/deno`);
  await Deno.chmod(`${home}/deno`, 0o755);
  await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", `--config=${code}/deno.json`, `${code}/cli.ts`],
    env: { DENO_DIR: cache },
  }).output();
  return [`${home}/deno`, "run", "-A", "--quiet", "--no-check", `--config=${code}/deno.json`, `${code}/cli.ts`];
}
