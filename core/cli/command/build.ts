import type { Call } from "../../contract/call.ts";
import type { BuildInput } from "../../image/build_input.ts";
import type { BuildResult } from "../../image/build_result.ts";
import { EngineError } from "../../errors.ts";
import { buildFlags, readBuildInput, showFlags } from "../build_flags.ts";
import type { Command, Context, Input } from "../command.ts";
import { enterWherePossible } from "../enter_namespace.ts";
import { runFlags } from "../run_flags.ts";
import type { Progress } from "../progress.ts";
import { parseProgressKind, type ProgressKind } from "../progress_kind.ts";

/** `strata build`. */
export const command: Command = {
  usage: "[OPTIONS] PATH|URL|-",
  description:
    "Builds an image from a Dockerfile and a context: a folder, a git repository, an archive at a URL, or a tar on standard input.",
  flags: [...buildFlags, ...runFlags, ...showFlags],
  words: { min: 1, max: 1 },
  complete: "file",
  examples: [
    ["strata build -t app .", "the Dockerfile of this folder, as app:latest"],
    ["strata build -f build/prod.Dockerfile -t app:1 .", "another file"],
    ["strata build --platform linux/amd64,linux/arm64 -t app .", "an index of two platforms"],
    ["strata build -o type=local,dest=out .", "the files of the image in a folder"],
    [
      "strata build --push -t registry.example.com/team/app:1 .",
      "straight to a registry; layers of the base that are there stay there",
    ],
    ["strata build --secret id=token,env=TOKEN .", "a secret for RUN --mount=type=secret,id=token"],
    ["strata build --check .", "only check the file"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const what = input.text("print");
    // What is read from standard input cannot be read again by a process that may run commands.
    if (what === undefined && !input.isOn("check") && readsInput(input)) await enterWherePossible();
    const build = await readBuildInput(input, context.terminal, context.environment);
    if (input.isOn("check") || what !== undefined) {
      const { showBuild } = await import("../build_view.ts");
      return await showBuild(build, input, context);
    }
    if (input.text("format") !== undefined) {
      throw new EngineError(
        "INVALID_ARGUMENT",
        "Cannot use --format with a build: it is for --check and --print=outline",
        {
          detail: { field: "format" },
          hint: "Add --metadata-file for facts about the result as JSON, or --progress=rawjson for what happens",
        },
      );
    }
    return await run(build, input, context);
  },
};

async function run(build: BuildInput, input: Input, context: Context): Promise<number> {
  const { terminal } = context;
  const [engine, { buildImage }] = await Promise.all([context.openEngine(), import("../../image/build.ts")]);
  const quiet = input.isOn("quiet");
  const started = performance.now();
  const kind = parseProgressKind(input.text("progress") ?? engine.config.progress);
  const progress = await openProgress(quiet ? "quiet" : shown(kind, build), context);
  await removeOld(input.text("iidfile"));
  let result: BuildResult;
  try {
    result = await buildImage(engine, build, { signal: context.call.signal, emit: (event) => progress.emit(event) });
  } catch (error) {
    progress.end(error);
    throw error;
  }
  progress.end();
  const id = result.image?.id;
  if (id !== undefined) await writeFile(input.text("iidfile"), id, context.call);
  await writeFile(input.text("metadata-file"), JSON.stringify(result.metadata, null, 2) + "\n", context.call);
  if (quiet && id !== undefined && !writesToStdout(build)) terminal.out(`${id}\n`);
  if (!quiet && kind !== "rawjson") terminal.err(summary(result, performance.now() - started));
  return 0;
}

async function openProgress(kind: ProgressKind, { terminal }: Context): Promise<Progress> {
  if (kind === "quiet") return { emit: () => {}, end: () => {} };
  const { createProgress } = await import("../progress.ts");
  return await createProgress(kind, terminal, () => performance.now());
}

function readsInput(input: Input): boolean {
  return input.words[0] === "-" || input.text("file") === "-";
}

/** A shell on this terminal must not be drawn over. */
function shown(kind: ProgressKind, build: BuildInput): ProgressKind {
  return build.run?.onFailure === "shell" && (kind === "auto" || kind === "tty") ? "plain" : kind;
}

function summary(result: BuildResult, milliseconds: number): string {
  const { total, cached } = result.steps;
  const steps = `${total} ${total === 1 ? "step" : "steps"}, ${cached} cached, in ${(milliseconds / 1000).toFixed(1)}s`;
  const { image } = result;
  if (image === undefined) return `done: ${steps}\n`;
  const names = image.familiarTags.length === 0 ? "" : ` as ${image.familiarTags.join(", ")}`;
  const pushed = image.pushed.map((name) => `pushed ${name}@${image.digest}\n`);
  return `${image.isStored ? "built" : "wrote"} ${image.id}${names} (${image.alias}): ${steps}\n${pushed.join("")}`;
}

function writesToStdout(build: BuildInput): boolean {
  return (build.outputs ?? []).some((output) => "dest" in output && output.dest === "-");
}

async function writeFile(path: string | undefined, text: string, call: Call): Promise<void> {
  if (path === undefined) return;
  const { writeOutputFile } = await import("../../image/output_file.ts");
  await writeOutputFile(path, new Blob([text]).stream(), call);
}

/** An ID that an earlier build left must not pass for that of a build which fails. */
async function removeOld(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const info = await Deno.lstat(path).catch(() => undefined);
  if (info?.isFile === true) await Deno.remove(path);
}
