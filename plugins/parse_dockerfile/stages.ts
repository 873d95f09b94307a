import type { Kit, ParseContext, Platform } from "../../core/contract/mod.ts";
import type { Dockerfile, Instruction } from "./ast.ts";
import { buildContextOf } from "./build_context.ts";
import { describe } from "./check_file.ts";
import type { Checks } from "./checks.ts";
import { expandWord } from "./expand.ts";
import { parseError, quote } from "./fault.ts";
import type { Globals } from "./globals.ts";
import { readPlatform } from "./platform.ts";
import { nearestName } from "./suggest.ts";

/** The first line of a stage. */
export type From = Extract<Instruction, { readonly kind: "from" }>;

/** A stage of the file. */
export interface Stage {
  /** Number, from 0. */
  readonly index: number;
  /** Declared name in lower case; empty when it has none. */
  readonly name: string;
  /** Name for people: the declared one, else `stage-<number>`; empty for the only stage. */
  readonly title: string;
  readonly from: From;
  readonly instructions: readonly Instruction[];
  /** What it starts from, expanded. */
  readonly base: string;
  /** `--platform`, expanded. */
  readonly platform?: Platform;
  /** Name of the build context that stands in for the whole stage. */
  readonly replacedBy?: string;
  readonly description?: string;
  /** Global arguments that its FROM uses. */
  readonly uses: readonly string[];
  /** Whether its steps are built even though the cache has them. */
  readonly noCache: boolean;
}

/** What stages are read from. */
export interface StageSource {
  readonly kit: Kit;
  readonly context: ParseContext;
  readonly file: Dockerfile;
  readonly globals: Globals;
  readonly checks: Checks;
}

/** Reads the FROM lines. Throws `PARSE_FAILED`. */
export function readStages(source: StageSource): readonly Stage[] {
  const stages: Stage[] = [];
  for (const [from, ...instructions] of source.file.stages) {
    if (from?.kind === "from") stages.push(readStage(from, instructions, { ...source, index: stages.length }));
  }
  return stages;
}

function readStage(
  from: From,
  instructions: readonly Instruction[],
  source: StageSource & { readonly index: number },
): Stage {
  const { index, context, file } = source;
  const base = expandBase(from, source);
  const platform = from.platform === undefined ? undefined : expandPlatform(from, from.platform, source);
  const name = from.name ?? "";
  const replacedBy = name === "" ? undefined : buildContextOf(name, context.contexts);
  const description = name === "" ? undefined : describe(from, name);
  return {
    index,
    name,
    title: name !== "" ? name : file.stages.length === 1 ? "" : `stage-${index}`,
    from,
    instructions,
    base: base.text,
    ...(platform === undefined ? {} : { platform: platform.platform }),
    ...(replacedBy === undefined ? {} : { replacedBy }),
    ...(description === undefined ? {} : { description }),
    uses: [...base.used, ...(platform?.used ?? [])],
    noCache: isUncached(context.noCache, name, index),
  };
}

function isUncached(noCache: boolean | readonly string[], name: string, index: number): boolean {
  if (typeof noCache === "boolean") return noCache;
  return noCache.some((wanted) => wanted === (name === "" ? `stage-${index}` : name));
}

function expandBase(from: From, source: StageSource): { readonly text: string; readonly used: readonly string[] } {
  const { kit, file, globals } = source;
  const options = { escape: file.escape, instruction: from, kit };
  const expanded = expandWord(from.base, (key) => globals.values.get(key), options);
  reportUndeclared(from, expanded.unknown, source);
  if (expanded.text !== "") return expanded;
  const [unknown] = expanded.unknown;
  const near = unknown === undefined ? undefined : nearestName(unknown, globals.values.keys());
  throw parseError(kit, {
    message: `Cannot use base image ${quote(from.base)}: it is empty after its arguments were put in`,
    at: from.at,
    instruction: "FROM",
    hint: near === undefined ? "Give the argument a default in an ARG line above FROM" : `Write $${near} instead`,
  });
}

function expandPlatform(
  from: From,
  text: string,
  source: StageSource,
): { readonly platform: Platform; readonly used: readonly string[] } {
  const { kit, file, globals, context, checks } = source;
  const options = { escape: file.escape, instruction: from, kit };
  const expanded = expandWord(text, (key) => globals.values.get(key), options);
  const scoped = checks.scopedTo(from.comments);
  reportUndeclared(from, expanded.unknown, source);
  if (expanded.text === "") {
    throw parseError(kit, {
      message: `Cannot use platform ${quote(text)}: it is empty after its arguments were put in`,
      at: from.at,
      instruction: "FROM",
      hint: "Give the argument a default in an ARG line above FROM",
    });
  }
  const platform = readPlatform(expanded.text, { kit, at: from.at, buildPlatform: context.buildPlatform });
  const [used, ...more] = expanded.used;
  const isOnlyTarget = used === "TARGETPLATFORM" && more.length === 0 && expanded.unknown.length === 0;
  if (isOnlyTarget && expanded.text === globals.values.get("TARGETPLATFORM")) {
    const message = `FROM --platform=${text} changes nothing, because it is what FROM uses anyway`;
    scoped.report("RedundantTargetPlatform", from.at, message);
  }
  const name = from.name ?? "";
  const isNamedAfterIt = name.includes(platform.os) || name.includes(platform.architecture);
  if (used === undefined && expanded.unknown.length === 0 && !isNamedAfterIt) {
    const message = `FROM --platform has the fixed value "${expanded.text}"`;
    scoped.report("FromPlatformFlagConstDisallowed", from.at, message);
  }
  return { platform, used: expanded.used };
}

function reportUndeclared(from: From, unknown: readonly string[], source: StageSource): void {
  const known = new Set([...source.globals.values.keys(), ...source.globals.declared.keys()]);
  for (const name of unknown) {
    if (known.has(name)) continue;
    const near = nearestName(name, known);
    const message = `FROM argument "${name}" is not declared${near === undefined ? "" : ` (did you mean ${near}?)`}`;
    source.checks.scopedTo(from.comments).report("UndefinedArgInFrom", from.at, message);
  }
}
