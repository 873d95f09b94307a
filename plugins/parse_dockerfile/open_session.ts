import type { BaseImage, BuildCheck, EngineError, Kit, ParseContext, SourceFile } from "../../core/contract/mod.ts";
import type { Dockerfile } from "./ast.ts";
import { checkFile } from "./check_file.ts";
import { checkDefaultBases } from "./check_from.ts";
import { type CheckOptions, readCheckOptions } from "./check_option.ts";
import { type Checks, createChecks } from "./checks.ts";
import { parseError, quote } from "./fault.ts";
import { type GlobalSource, ownValue, platformArgs, readGlobals } from "./globals.ts";
import { createGraph } from "./graph.ts";
import { readIgnorePatterns } from "./ignore.ts";
import { lowerStage } from "./lower_stage.ts";
import { readDockerfile } from "./read_dockerfile.ts";
import { checkCircular } from "./references.ts";
import type { BaseRequest, Session } from "./session.ts";
import type { Lowered } from "./stage_state.ts";
import { readStages, type Stage } from "./stages.ts";
import { nearestName } from "./suggest.ts";
import { isOwnSyntax } from "./syntax.ts";

/** What a session is about. */
export interface SessionInput {
  readonly kit: Kit;
  readonly source: SourceFile;
  readonly context: ParseContext;
  /** Whether base images are looked up; without it, nothing is known of them. */
  readonly resolvesBases: boolean;
}

/** Reads a build file up to the point where stages can be lowered. Throws `PARSE_FAILED`, `UNSUPPORTED`, `INVALID_ARGUMENT`. */
export function openSession(input: SessionInput): Session {
  const { kit, source, context } = input;
  if (context.signal.aborted) throw kit.error("CANCELED", "Cannot read the build file: the build was canceled");
  const file = readDockerfile(source, kit);
  checkSyntax(file, input);
  const checks = createChecks(checkOptions(file, input));
  checkFile(file, checks);
  const platform = platformArgs(context, targetName(file, context.target));
  const globalSource: GlobalSource = { kit, file, buildArgs: context.args, platform };
  const globals = readGlobals(globalSource);
  const stageSource = { kit, context, file, globals, checks };
  checkDefaultBases(stageSource, globalSource);
  const stages = readStages(stageSource);
  checkCircular(stages, { kit, context, stages });
  return { kit, context, source, file, checks, graph: createGraph(kit), globals, stages, ...lookups(input) };
}

type Lookups = Pick<Session, "lower" | "base" | "ignorePatterns">;

/** Lookups that are made once and then remembered. */
function lookups({ kit, source, context, resolvesBases }: SessionInput): Lookups {
  const lowered = new Map<number, Promise<Lowered>>();
  const bases = new Map<string, Promise<BaseImage>>();
  let patterns: Promise<readonly string[]> | undefined;
  return {
    lower(this: Session, stage: Stage): Promise<Lowered> {
      const known = lowered.get(stage.index) ?? lowerStage(stage, this);
      lowered.set(stage.index, known);
      return known;
    },
    async base(reference: string, wanted: BaseRequest): Promise<BaseImage | undefined> {
      if (!resolvesBases) return undefined;
      const key = `${reference}\0${kit.canonicalJson({ ...wanted.platform })}`;
      const known = bases.get(key) ?? context.base(reference, wanted.platform);
      bases.set(key, known);
      try {
        return await known;
      } catch (error) {
        throw locate(error, wanted, kit);
      }
    },
    ignorePatterns: () => patterns ??= readIgnorePatterns(source, context, kit),
  };
}

/** The same error with the place in the file that it is about. */
function locate(error: unknown, wanted: BaseRequest, kit: Kit): unknown {
  if (!isEngineError(error) || "range" in error.detail) return error;
  const detail = { ...error.detail, range: wanted.at, instruction: wanted.instruction };
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return kit.error(error.code, error.message, { cause: error, detail, ...hint });
}

function isEngineError(error: unknown): error is EngineError {
  return error instanceof Error && "code" in error && "detail" in error && error.name === "EngineError";
}

/** A file may ask for Docker's own syntax, which this is; any other has to be run as a program of its own. */
function checkSyntax(file: Dockerfile, { kit, source, context }: SessionInput): void {
  const given = ownValue(context.args, "BUILDKIT_SYNTAX") ?? "";
  const syntax = given !== "" ? given : file.syntax;
  if (syntax === undefined || isOwnSyntax(syntax)) return;
  const detail = { what: "syntax", known: ["docker/dockerfile"] };
  const lines = source.text.split(/\r?\n/);
  const index = Math.max(lines.findIndex((text) => text.includes("syntax") && text.includes(syntax)), 0);
  const range = { file: source.path, line: index + 1, endLine: index + 1, source: lines[index] ?? "" };
  throw kit.error("UNSUPPORTED", `Cannot read syntax ${quote(syntax)}: other syntaxes are not available`, {
    detail: given === "" ? { ...detail, range } : detail,
    hint: `Leave the ${
      given === "" ? "syntax line" : "build argument BUILDKIT_SYNTAX"
    } out, or write docker/dockerfile:1`,
  });
}

function checkOptions(file: Dockerfile, { kit, context }: SessionInput): CheckOptions {
  const given = ownValue(context.args, "BUILDKIT_DOCKERFILE_CHECK");
  if (given === undefined) return file.check;
  if (given.trim() === "") return { skip: [], error: false, experimental: [] };
  const options = readCheckOptions(given);
  if (!("state" in options)) return options;
  throw kit.error("INVALID_ARGUMENT", `Cannot use build argument "BUILDKIT_DOCKERFILE_CHECK": ${options.state}`, {
    detail: { field: "BUILDKIT_DOCKERFILE_CHECK", value: given },
    hint: "Write it like skip=RULE,RULE;error=true",
  });
}

/** Name of the stage that is built, before stages are read. */
function targetName(file: Dockerfile, target: string | undefined): string {
  const names = file.stages.map(([from]) => from?.kind === "from" ? from.name ?? "" : "");
  if (target === undefined) return names.at(-1) ?? "";
  return (/^\d+$/.test(target) ? names[Number(target)] : undefined) || target;
}

/** The stage that is built: by name, by number, or the last. Throws `NOT_FOUND`. */
export function findTarget(session: Session): Stage {
  const { stages, context, kit } = session;
  const { target } = context;
  const last = stages.at(-1);
  const found = target === undefined || target === ""
    ? last
    : stages.findLast(({ name }) => name === target.toLowerCase()) ??
      (/^\d+$/.test(target) ? stages[Number(target)] : undefined);
  if (found !== undefined) return found;
  const wanted = target ?? "";
  const names = stages.flatMap(({ name }) => name === "" ? [] : [name]);
  const near = nearestName(wanted.toLowerCase(), names);
  throw kit.error("NOT_FOUND", `Cannot find stage ${quote(wanted)}: the build file has none of that name or number`, {
    detail: { kind: "stage", name: wanted },
    hint: near !== undefined
      ? `Write --target=${near}`
      : names.length > 0
      ? `Choose one of ${names.join(", ")}`
      : "Leave the target out to build the last stage",
  });
}

/** Reports what was found doubtful; an error when the file asks for that. Throws `PARSE_FAILED`. */
export function failOnChecks(checks: Checks, kit: Kit): void {
  const [first, ...more]: readonly BuildCheck[] = checks.found();
  if (first?.severity !== "error") return;
  const names = [...new Set([first, ...more].map(({ rule }) => rule))];
  throw parseError(kit, {
    message: `Cannot build from this file: it breaks ${names.join(", ")}, and its check option makes that an error`,
    at: first.at,
    instruction: "",
    hint: `Put the place right, or leave error=true out: ${first.message}`,
  });
}
