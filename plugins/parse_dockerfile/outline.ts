import type { BuildOutline, Kit, ParseContext, SourceFile } from "../../core/contract/mod.ts";
import { describe } from "./check_file.ts";
import { findTarget, openSession } from "./open_session.ts";
import { formatPlatform } from "./platform.ts";
import { printDockerfile } from "./print.ts";
import { factsOf, lowerInOrder, stagesNeededBy } from "./reach.ts";
import type { Session } from "./session.ts";
import type { ArgFact, MountFact, StageFacts } from "./stage_state.ts";
import type { Stage } from "./stages.ts";

/**
 * What a Dockerfile takes and what is doubtful in it, without a look at any base image. Without a target, all stages are checked.
 * Rejects as {@linkcode ParseHook} says.
 */
export async function outlineDockerfile(source: SourceFile, context: ParseContext, kit: Kit): Promise<BuildOutline> {
  const session = openSession({ kit, source, context, resolvesBases: false });
  const target = findTarget(session);
  await lowerInOrder(context.target === undefined ? session.stages : stagesNeededBy(target, session), session);
  const facts = await factsOf(target, session);
  return {
    target: target.name,
    stages: session.stages.map(describeStage),
    args: listArgs(facts, session),
    secrets: listMounts(facts.map(({ secrets }) => secrets)),
    ssh: listMounts(facts.map(({ ssh }) => ssh)),
    cacheMounts: [...new Set(facts.flatMap(({ cacheMounts }) => [...cacheMounts]))],
    checks: session.checks.found(),
    dockerfile: printDockerfile(session.file, source.text),
  };
}

function describeStage(stage: Stage): BuildOutline["stages"][number] {
  const { name, base, platform, description, from } = stage;
  return {
    name,
    base,
    ...(platform === undefined ? {} : { platform: formatPlatform(platform) }),
    ...(description === undefined ? {} : { description }),
    at: from.at,
  };
}

/** The arguments of stages, and the global ones that they come to, by line. */
function listArgs(facts: readonly StageFacts[], session: Session): BuildOutline["args"] {
  const found = new Map<string, ArgFact>();
  const takeGlobal = (name: string): void => {
    const global = session.globals.declared.get(name);
    if (global === undefined || found.has(name)) return;
    const { value, instruction } = global;
    found.set(name, { name, value, description: describe(instruction, name), at: instruction.at });
    for (const used of global.uses) takeGlobal(used);
  };
  for (const { args, names } of facts) {
    for (const [name, arg] of args) if (!found.has(name)) found.set(name, arg);
    for (const name of names) takeGlobal(name);
  }
  const ordered = [...found.values()].sort((a, b) => a.at.line - b.at.line);
  return ordered.map(({ name, value, description, at }) => ({
    name,
    ...(value === undefined ? {} : { value }),
    ...(description === undefined ? {} : { description }),
    at,
  }));
}

function listMounts(
  facts: readonly ReadonlyMap<string, MountFact>[],
): readonly { readonly name: string; readonly required: boolean; readonly at: MountFact["at"] }[] {
  const found = new Map<string, MountFact>();
  for (const mounts of facts) {
    for (const [name, fact] of mounts) {
      const known = found.get(name);
      found.set(name, known === undefined ? fact : { ...known, required: known.required || fact.required });
    }
  }
  return [...found].map(([name, fact]) => ({ name, ...fact })).sort((a, b) => a.at.line - b.at.line);
}
