import type { BuildOp, EngineError, NodeId } from "../../core/contract/mod.ts";
import type { Instruction } from "./ast.ts";
import type { Checks } from "./checks.ts";
import { expandHeredoc, type ExpandOptions, expandWord, expandWords } from "./expand.ts";
import { parseError } from "./fault.ts";
import type { Session } from "./session.ts";
import type { StageFacts, StageState } from "./stage_state.ts";
import type { Stage } from "./stages.ts";
import { nearestName } from "./suggest.ts";

/** One instruction on its way into the graph. */
export interface Lowering<I extends Instruction = Instruction> {
  readonly session: Session;
  readonly stage: Stage;
  readonly state: StageState;
  readonly facts: StageFacts;
  readonly instruction: I;
  /** Checks with the comment above the instruction taken into account. */
  readonly checks: Checks;
  /** What people see before the instruction's text, e.g. `[build 2/4] `. */
  readonly prefix: string;
}

/** An instruction of one kind. */
export type InstructionOf<K extends Instruction["kind"]> = InstructionWith<Instruction, K>;

type InstructionWith<I, K> = I extends { readonly kind: infer T } ? (K extends T ? I & { readonly kind: K } : never)
  : never;

/** An instruction of one kind on its way into the graph. */
export type LoweringOf<K extends Instruction["kind"]> = Lowering<InstructionOf<K> & Instruction>;

/** The mark of this builder in an image's history. */
export const historyComment = "strata.dockerfile.v0";

/** Arguments that are declared but never part of an environment. */
export const hiddenArgs: ReadonlySet<string> = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

/** Most names that an unknown one is compared with, so that many of both do not take long. */
const maxCompared = 500;

/** What a variable is worth here: an ENV wins over an ARG of the same name. */
export function lookUp(state: StageState, name: string): string | undefined {
  return state.env.get(name) ?? (hiddenArgs.has(name) ? undefined : state.args.get(name));
}

/** A word with its variables replaced. Throws `PARSE_FAILED`. */
export function expand(text: string, lowering: Lowering): string {
  const { text: expanded, unknown } = expandWord(text, lookupOf(lowering), expandOptions(lowering));
  reportUndefined(unknown, lowering);
  return expanded;
}

/** Texts with their variables replaced, all against the same values. Throws `PARSE_FAILED`. */
export function expandAll(texts: readonly string[], lowering: Lowering): string[] {
  return texts.map((text) => expand(text, lowering));
}

/** The words of a text after its variables were replaced; unknown ones are not reported. Throws `PARSE_FAILED`. */
export function expandToWords(text: string, lowering: Lowering): readonly string[] {
  return expandWords(text, lookupOf(lowering), expandOptions(lowering)).words;
}

/** The body of a heredoc with its variables replaced. Throws `PARSE_FAILED`. */
export function expandBody(text: string, lowering: Lowering): string {
  const { text: expanded, unknown } = expandHeredoc(text, lookupOf(lowering), expandOptions(lowering));
  reportUndefined(unknown, lowering);
  return expanded;
}

function lookupOf(lowering: Lowering): (name: string) => string | undefined {
  return (name) => lookUp(lowering.state, name);
}

/** How texts of an instruction are read. */
export function expandOptions(lowering: Lowering): ExpandOptions {
  const { session, instruction } = lowering;
  return { escape: session.file.escape, instruction, kit: session.kit };
}

function reportUndefined(unknown: readonly string[], lowering: Lowering): void {
  const { state, checks, instruction } = lowering;
  for (const name of unknown) {
    if (state.args.has(name) || hiddenArgs.has(name)) continue;
    const isFew = state.env.size + state.args.size <= maxCompared;
    const near = isFew ? nearestName(name, [...state.env.keys(), ...state.args.keys()]) : undefined;
    if (!state.isBaseKnown && !isLikelyMistake(name, near)) continue;
    const message = `Variable "$${name}" is not defined here${near === undefined ? "" : ` (did you mean $${near}?)`}`;
    checks.report("UndefinedVar", instruction.at, message);
  }
}

/** With the base image's variables unknown: those are in capitals, and what is nearly the name of another is a slip. */
function isLikelyMistake(name: string, near: string | undefined): boolean {
  if (name !== name.toUpperCase()) return true;
  return near !== undefined && Math.abs(near.length - name.length) <= 1;
}

/** Makes the error for something wrong in the instruction. */
export function fail(message: string, lowering: Lowering, hint?: string): EngineError {
  const { session, instruction } = lowering;
  const fault = { message, at: instruction.at, instruction: instruction.keyword.toUpperCase() };
  return parseError(session.kit, hint === undefined ? fault : { ...fault, hint });
}

/** Makes the error for something that the instruction asks and that cannot be done yet. */
export function unsupported(message: string, lowering: Lowering, what: string): EngineError {
  const { session, instruction } = lowering;
  const detail = { what, range: instruction.at, instruction: instruction.keyword.toUpperCase() };
  return session.kit.error("UNSUPPORTED", message, { detail, hint: `Do without ${what}` });
}

/** Notes an instruction that changes only the config. */
export function addHistory(createdBy: string, lowering: Lowering): void {
  lowering.state.history.push({ createdBy, emptyLayer: true, comment: historyComment });
}

/** A layer to be put on the stage. */
export interface NewLayer {
  readonly op: BuildOp;
  /** What it reads besides the filesystem below it. */
  readonly inputs: readonly NodeId[];
  /** True when it does not depend on what lies below it. */
  readonly isLinked: boolean;
  readonly createdBy: string;
  /** What people see of it. */
  readonly name: string;
}

/** Puts a layer on the stage and notes it. */
export function addLayer(layer: NewLayer, lowering: Lowering): void {
  const { session, stage, state, prefix, instruction } = lowering;
  const scratch = layer.isLinked ? session.graph.add({ type: "scratch" }) : undefined;
  state.node = session.graph.add({
    type: "layer",
    op: layer.op,
    inputs: [scratch ?? state.node, ...layer.inputs],
    ...(scratch === undefined ? {} : { onto: state.node }),
    ...(stage.noCache ? { noCache: true } : {}),
    name: prefix + layer.name,
    at: instruction.at,
  });
  state.history.push({ createdBy: layer.createdBy, emptyLayer: false, comment: historyComment });
}
