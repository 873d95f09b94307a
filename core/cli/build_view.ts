import type { BuildCheck, BuildOutline } from "../contract/parse.ts";
import { EngineError } from "../errors.ts";
import type { BuildInput } from "../image/build_input.ts";
import { printable } from "./color.ts";
import type { Context, Input } from "./command.ts";
import { formatRange } from "./error_text.ts";
import { formatTable } from "./table.ts";

/** Shows what a build file says without building it, as `--check` and `--print` ask; gives the exit code. */
export async function showBuild(build: BuildInput, input: Input, context: Context): Promise<number> {
  const what = input.text("print");
  if (input.isOn("check")) return await check(build, input, context);
  if (what === "graph") return await printGraphs(build, context);
  if (what === "outline") return await printOutline(build, input, context);
  if (what === "dockerfile") return await printPlain(build, context);
  throw unknownChoice("print", what ?? "", ["graph", "outline", "dockerfile"]);
}

async function check(build: BuildInput, input: Input, context: Context): Promise<number> {
  const { checkBuild } = await import("../image/check_build.ts");
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
  const { printGraph } = await import("../image/print_graph.ts");
  const graphs = await printGraph(await context.openEngine(), build, context.call);
  context.terminal.out(JSON.stringify(graphs.length === 1 ? graphs[0] : graphs, null, 2) + "\n");
  return 0;
}

async function printPlain(build: BuildInput, context: Context): Promise<number> {
  const { printDockerfile } = await import("../image/print_dockerfile.ts");
  context.terminal.out(await printDockerfile(await context.openEngine(), build, context.call));
  return 0;
}

async function printOutline(build: BuildInput, input: Input, context: Context): Promise<number> {
  const { outlineBuild } = await import("../image/outline_build.ts");
  const { dockerfile: _text, ...outline } = await outlineBuild(await context.openEngine(), build, context.call);
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

function unknownChoice(flag: string, value: string, known: readonly string[]): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot use --${flag} "${value}": expected ${known.join(", ")}`, {
    detail: { field: flag, value },
  });
}
