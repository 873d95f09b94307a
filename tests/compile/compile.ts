/** Has Deno compile the staged program. */
import { join } from "@std/path";
import { commitFile, type Staged } from "./stage.ts";
import type { Target } from "./targets.ts";

/** What came of it. */
export type Compiled =
  | { readonly type: "made" }
  /** The run-time that a binary begins with could not be had; `reason` says why. */
  | { readonly type: "no run-time"; readonly reason: string }
  /** The program cannot be compiled. */
  | { readonly type: "failed"; readonly output: string };

/** How a binary is compiled. */
export interface CompileOptions {
  readonly target?: Target;
  /** Path of the binary. */
  readonly output: string;
  /** Program to begin the binary with, in place of the run-time that Deno downloads. */
  readonly runtime?: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Flags of V8 in a binary: no plugin makes code from text, whatever it finds. */
export const v8Flags: readonly string[] = ["--disallow-code-generation-from-strings"];

/**
 * What a binary may do is fixed when it is made. Deno refuses files of /proc and /sys, and devices, to whoever has not all
 * permissions, even with `--allow-read`, and running commands needs them. `--no-prompt`: without it Deno would ask the user whether
 * a plugin may have more than it was given.
 */
const permissions: readonly string[] = ["--allow-all", "--no-prompt"];

/**
 * Compiles a staged program. Unstable features are those of its deno.json; by one of them Deno does not follow imports that are made
 * later, so every file is named.
 */
export async function compileProgram(staged: Staged, options: CompileOptions): Promise<Compiled> {
  const included = [...staged.files, commitFile].map((file) => `--include=${join(staged.folder, file)}`);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      ...permissions,
      "--no-remote",
      "--exclude-unused-npm",
      "--app-name=strata",
      `--v8-flags=${v8Flags.join(",")}`,
      `--config=${join(staged.folder, "deno.json")}`,
      ...(options.target === undefined ? [] : [`--target=${options.target.triple}`]),
      `--output=${options.output}`,
      ...included,
      join(staged.folder, "cli.ts"),
    ],
    cwd: staged.folder,
    env: {
      NO_COLOR: "1",
      ...options.env,
      ...(options.runtime === undefined ? {} : { DENORT_BIN: options.runtime }),
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return { type: "made" };
  const output = new TextDecoder().decode(stderr);
  const isRuntime = output.includes("Setting up base binary");
  return isRuntime ? { type: "no run-time", reason: causeOf(output) } : { type: "failed", output };
}

/** The causes that Deno lists, without its stack. */
function causeOf(output: string): string {
  const [causes = output] = (output.split("Setting up base binary.")[1] ?? output).split("Stack backtrace:");
  const [first = ""] = causes.split("\n").map((line) => line.trim().replace(/^\d+: /, "")).filter((line) =>
    line !== ""
  );
  return first;
}
