import type { Call } from "../../contract/call.ts";
import type { BuildCheck, BuildOutline } from "../../contract/parse.ts";
import type { BuildInput } from "../../image/build_input.ts";
import type { BuildResult } from "../../image/build_result.ts";
import { EngineError, isEngineError } from "../../errors.ts";
import { buildFlags, readBuildInput, showFlags } from "../build_flags.ts";
import type { Command, Context, Input } from "../command.ts";
import { runFlags } from "../run_flags.ts";
import { printable } from "../color.ts";
import { formatRange } from "../error_text.ts";
import { createProgress, type ProgressKind, progressKinds } from "../progress.ts";
import { formatTable } from "../table.ts";

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
    if (input.isOn("check")) return await check(build, input, context);
    if (what === "graph") return await printGraphs(build, context);
    if (what === "outline") return await printOutline(build, input, context);
    if (what !== undefined) throw unknownChoice("print", what, ["graph", "outline"]);
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
  const engine = await context.openEngine();
  const quiet = input.isOn("quiet");
  const started = performance.now();
  const kind = readProgress(input.text("progress") ?? engine.config.progress);
  const progress = await createProgress(quiet ? "quiet" : shown(kind, build), terminal, () => performance.now());
  const { buildImage } = await import("../../image/build.ts");
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

function readsInput(input: Input): boolean {
  return input.words[0] === "-" || input.text("file") === "-";
}

async function enterWherePossible(): Promise<void> {
  const { checkRunRights } = await import("../../image/run_rights.ts");
  await checkRunRights().catch((error) => {
    if (isEngineError(error) && error.detail["canEnter"] !== true) return;
    throw error;
  });
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

async function check(build: BuildInput, input: Input, context: Context): Promise<number> {
  const { checkBuild } = await import("../../image/check_build.ts");
  const { checks } = await checkBuild(await context.openEngine(), build, context.call);
  const { terminal } = context;
  if (isJson(input)) terminal.out(JSON.stringify({ checks }, null, 2) + "\n");
  else {
    terminal.out(checks.map((each) => checkText(each, terminal.hasColor)).join(""));
    const many = checks.length === 1 ? "1 warning has been found" : `${checks.length} warnings have been found`;
    terminal.out(checks.length === 0 ? "Check complete, no warnings found.\n" : `Check complete, ${many}!\n`);
  }
  return checks.length === 0 ? 0 : 1;
}

function checkText(check: BuildCheck, hasColor: boolean): string {
  const url = check.url === undefined ? "" : ` - ${check.url}`;
  return [
    `${check.severity.toUpperCase()}: ${check.rule}${url}`,
    printable(check.message),
    ...formatRange(check.at, hasColor),
    "",
    "",
  ].join("\n");
}

async function printGraphs(build: BuildInput, context: Context): Promise<number> {
  const { printGraph } = await import("../../image/print_graph.ts");
  const graphs = await printGraph(await context.openEngine(), build, context.call);
  context.terminal.out(JSON.stringify(graphs.length === 1 ? graphs[0] : graphs, null, 2) + "\n");
  return 0;
}

async function printOutline(build: BuildInput, input: Input, context: Context): Promise<number> {
  const { outlineBuild } = await import("../../image/outline_build.ts");
  const outline = await outlineBuild(await context.openEngine(), build, context.call);
  context.terminal.out(isJson(input) ? JSON.stringify(outline, null, 2) + "\n" : outlineText(outline));
  return 0;
}

function outlineText(outline: BuildOutline): string {
  const section = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
    rows.length === 0 ? "" : "\n" + formatTable([head, ...rows.map((row) => row.map(printable))]);
  return [
    `TARGET: ${outline.target === "" ? "(last stage)" : printable(outline.target)}\n`,
    section(
      ["STAGE", "BASE", "DESCRIPTION"],
      outline.stages.map(({ name, base, description }) => [name || "-", base, description ?? ""]),
    ),
    section(
      ["BUILD ARG", "VALUE", "DESCRIPTION"],
      outline.args.map(({ name, value, description }) => [name, value ?? "", description ?? ""]),
    ),
    section(["SECRET", "REQUIRED"], outline.secrets.map(({ name, required }) => [name, String(required)])),
    section(["SSH", "REQUIRED"], outline.ssh.map(({ name, required }) => [name, String(required)])),
    section(["CACHE MOUNT"], outline.cacheMounts.map((id) => [id])),
  ].join("");
}

function isJson(input: Input): boolean {
  const format = input.text("format") ?? "text";
  if (format !== "text" && format !== "json") throw unknownChoice("format", format, ["text", "json"]);
  return format === "json";
}

function readProgress(text: string): ProgressKind {
  const kind = progressKinds.find((each) => each === text);
  if (kind === undefined) throw unknownChoice("progress", text, progressKinds);
  return kind;
}

function unknownChoice(flag: string, value: string, known: readonly string[]): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot use --${flag} "${value}": expected ${known.join(", ")}`, {
    detail: { field: flag, value },
  });
}
