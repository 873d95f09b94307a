/**
 * Makes the binary: `deno task compile [--target=NAME] [--output=PATH]`. Exit codes: 0 it was made and, where this machine can run it,
 * it works; 1 something is wrong; 2 wrong use; 3 no binary could be made, since the run-time that it begins with cannot be
 * downloaded, but everything else is right. With `--or-check` that is 0.
 */
import { fromFileUrl, join, resolve } from "@std/path";
import { readCommit } from "../../core/image/strata_commit.ts";
import { checkContents, checkUse, type Findings, runner } from "./check.ts";
import { compileProgram } from "./compile.ts";
import { type Staged, stageProgram } from "./stage.ts";
import { findTarget, hostTarget, type Target, targets } from "./targets.ts";

const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

const help = `Usage: deno task compile [OPTIONS]

  --target NAME   ${targets.map(({ name }) => name).join(", ")}; this machine's when left out
  --output PATH   File to write; ./strata when left out
  --or-check      Exit with 0, not 3, when no binary can be made but all that can be checked is right
  --stand-in DIR  Keep what is run in place of a binary in this new folder; its command is DIR/strata

DENORT_BIN names a run-time of Deno ${Deno.version.deno} to begin the binary with, so that none is downloaded.
`;

interface Options {
  readonly target: Target | undefined;
  readonly output: string;
  readonly orCheck: boolean;
  readonly standIn: string | undefined;
}

/** Reads the command line; undefined for one that is wrong, of which it tells. */
function readOptions(args: readonly string[]): Options | undefined {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [, name = "", value] = /^--([a-z-]+)(?:=(.*))?$/.exec(args[i] ?? "") ?? [];
    if (name === "or-check" && value === undefined) values.set(name, "");
    else if (["target", "output", "stand-in"].includes(name)) values.set(name, value ?? args[++i] ?? "");
    else return wrong(args[i] ?? "");
  }
  const [name, standIn] = [values.get("target"), values.get("stand-in")];
  const target = name === undefined ? hostTarget() : findTarget(name);
  if (name !== undefined && target === undefined) return wrong(`--target ${name}`);
  const output = values.get("output") || (target?.file.endsWith(".exe") ? "strata.exe" : "strata");
  return { target, output: resolve(output), orCheck: values.has("or-check"), standIn };
}

function wrong(arg: string): undefined {
  console.error(`Cannot compile: "${arg}" is not known\n`);
}

/** The commit of the checkout, marked when files of the program differ from it. */
async function commitOf(staged: readonly string[]): Promise<string> {
  const commit = readCommit();
  const { success, stdout } = await new Deno.Command("git", {
    args: ["status", "--porcelain", "--", ...staged],
    cwd: root,
    stderr: "null",
  }).output().catch(() => ({ success: false, stdout: new Uint8Array() }));
  return success && stdout.length > 0 ? `${commit}-changed` : commit;
}

async function run({ target, output, orCheck, standIn }: Options): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "strata-compile-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const commit = await commitOf(["cli.ts", "core", "plugins", "deno.json", "deno.lock"]);
  const staged = await stageProgram(root, join(folder, "stage"), commit);
  const made = join(folder, "made");
  await Deno.mkdir(made);
  const binary = join(made, output.endsWith(".exe") ? "strata.exe" : "strata");
  const compiled = await compileProgram(staged, { ...(target === undefined ? {} : { target }), output: binary });
  if (compiled.type === "failed") {
    console.error(compiled.output);
    return 1;
  }
  const use = join(folder, "use");
  await Deno.mkdir(use);
  if (compiled.type === "made") {
    const isHost = target === undefined || target === hostTarget();
    const findings = isHost ? await checkUse(runner(binary, join(use, "root")), use, commit) : [];
    await place(binary, output);
    const size = (await Deno.stat(output)).size;
    console.log(`${output}: ${target?.name ?? Deno.build.target}, ${(size / 1e6).toFixed(0)} MB, commit ${commit}`);
    if (standIn !== undefined) await checkContents(staged, await emptyFolder(standIn));
    return show(isHost ? "It works:" : "It was not run, since it is not for this machine.", findings);
  }
  console.error(`No binary was made: the run-time that "deno compile" puts into it cannot be downloaded.
  ${compiled.reason}
Run this where dl.deno.land can be reached, or set DENORT_BIN to a denort of Deno ${Deno.version.deno} for ${target?.triple}.
`);
  const findings = await checkStandIn({ staged, use, commit }, standIn ?? join(folder, "stand-in"));
  show("Checked instead, with this Deno running the files that the binary would hold:", findings);
  console.log("Not checked: the run-time itself, so neither the binary's size nor its start, nor other platforms.");
  return orCheck ? 0 : 3;
}

interface Checked {
  readonly staged: Staged;
  readonly use: string;
  readonly commit: string;
}

async function checkStandIn({ staged, use, commit }: Checked, folder: string): Promise<Findings> {
  const contents = await checkContents(staged, await emptyFolder(folder));
  return [...contents, ...await checkUse(runner(join(folder, "strata"), join(use, "root")), use, commit)];
}

async function emptyFolder(path: string): Promise<string> {
  await Deno.mkdir(resolve(path));
  return resolve(path);
}

/** Puts the file where it was asked for, at once. */
async function place(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, `${to}.part`);
  await Deno.rename(`${to}.part`, to);
}

function show(title: string, findings: Findings): number {
  console.log([title, ...findings.map((each) => `  ${each}`)].join("\n"));
  return 0;
}

if (import.meta.main) {
  const isHelp = Deno.args.includes("--help");
  const options = isHelp ? undefined : readOptions(Deno.args);
  if (options === undefined) {
    console.log(help);
    Deno.exit(isHelp ? 0 : 2);
  }
  // Deno takes an empty one for a path.
  if (Deno.env.get("DENORT_BIN") === "") Deno.env.delete("DENORT_BIN");
  try {
    Deno.exitCode = await run(options);
  } catch (error) {
    console.error(`Cannot compile: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = 1;
  }
}
