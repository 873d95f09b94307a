import type {
  BuildGraph,
  BuildInstruction,
  BuildNode,
  Kit,
  NodeId,
  ParseContext,
  SourceFile,
  SourceRange,
} from "../../core/contract/mod.ts";
import { failOnChecks, findTarget, openSession } from "./open_session.ts";
import { factsOf, lowerInOrder, stagesNeededBy, stagesOf } from "./reach.ts";
import type { Session } from "./session.ts";
import { configOf } from "./stage_state.ts";
import type { Stage } from "./stages.ts";

/** Arguments that mean something to the builder even when no ARG line declares them. */
const knownArgs = new Set(
  ("http_proxy https_proxy ftp_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY NO_PROXY ALL_PROXY " +
    "SOURCE_DATE_EPOCH").split(" "),
);

/** Turns a Dockerfile into a graph of the stages that the target needs. Rejects as {@linkcode ParseHook} says. */
export async function parseDockerfile(source: SourceFile, context: ParseContext, kit: Kit): Promise<BuildGraph> {
  const session = openSession({ kit, source, context, resolvesBases: true });
  const target = findTarget(session);
  try {
    await lowerInOrder(stagesNeededBy(target, session), session);
    const { state } = await session.lower(target);
    failOnChecks(session.checks, kit);
    await warnUnusedArgs(target, session);
    const { nodes, result } = session.graph.prune(state.node);
    return {
      nodes,
      result,
      platform: state.platform,
      config: configOf(state),
      ...(state.author === undefined ? {} : { author: state.author }),
      history: state.history,
      instructions: await instructionsOf(target, nodes, session),
    };
  } finally {
    for (const { rule, message, at } of session.checks.found()) {
      context.emit({ type: "warning", code: rule, message, at });
    }
  }
}

/** What the file says of a stage and of those that it uses, in file order, each with its nodes. */
async function instructionsOf(
  target: Stage,
  nodes: readonly BuildNode[],
  session: Session,
): Promise<readonly BuildInstruction[]> {
  const stages = await stagesOf(target, session);
  const instructions = [
    ...session.file.globalArgs,
    ...stages.flatMap(({ from, instructions }) => [from, ...instructions]),
  ];
  const ids = new Map<SourceRange, NodeId[]>();
  for (const [id, node] of nodes.entries()) {
    if (node.type === "layer" && node.at !== undefined) ids.set(node.at, [...ids.get(node.at) ?? [], id]);
  }
  return instructions.map(({ original, at }) => ({ text: original, nodes: ids.get(at) ?? [] }));
}

async function warnUnusedArgs(target: Stage, session: Session): Promise<void> {
  const { context, globals, stages } = session;
  const declared = new Set([...globals.values.keys(), ...globals.declared.keys()]);
  for (const { names } of await factsOf(target, session)) for (const name of names) declared.add(name);
  for (const instruction of stages.flatMap((stage) => stage.instructions)) {
    if (instruction.kind === "arg") { for (const { key } of instruction.pairs) declared.add(key); }
  }
  for (const name of Object.keys(context.args)) {
    if (declared.has(name) || knownArgs.has(name) || name.startsWith("BUILDKIT_")) continue;
    const message = `Build argument "${name}" is not used: no ARG declares it`;
    context.emit({ type: "warning", code: "UnusedBuildArg", message });
  }
}
