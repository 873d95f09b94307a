import type { EngineError, Kit, ParseContext } from "../../core/contract/mod.ts";
import type { Instruction } from "./ast.ts";
import { buildContextOf } from "./build_context.ts";
import { parseError, quote } from "./fault.ts";
import type { Stage } from "./stages.ts";

/** What a name or number after `FROM`, `--from=` or `from=` stands for. */
export type StageReference =
  | { readonly type: "context"; readonly name: string }
  | { readonly type: "stage"; readonly stage: Stage }
  | { readonly type: "later"; readonly stage: Stage }
  | { readonly type: "absent"; readonly index: number }
  | { readonly type: "scratch" }
  | { readonly type: "image"; readonly reference: string };

/** Who refers to what: names of stages count from the nearest one above; numbers are those of stages in the file. */
export interface Referrer {
  readonly kit: Kit;
  readonly context: ParseContext;
  readonly stages: readonly Stage[];
  /** Number of the stage that holds the reference. */
  readonly index: number;
}

/** Finds what `--from=` or a mount's `from=` means. */
export function findSource(name: string, referrer: Referrer): StageReference {
  const { stages, index } = referrer;
  if (/^[+-]?\d+$/.test(name)) {
    const stage = stages[Number(name)];
    if (stage === undefined) return { type: "absent", index: Number(name) };
    return { type: stage.index < index ? "stage" : "later", stage };
  }
  const base = findBase(name, referrer);
  if (base.type !== "image" && base.type !== "scratch") return base;
  const later = stages.slice(index).find((stage) => stage.name === name.toLowerCase());
  return later === undefined ? base : { type: "later", stage: later };
}

/** Finds what FROM means: a build context, a stage above, nothing, or an image. */
export function findBase(name: string, referrer: Referrer): StageReference {
  const context = buildContextOf(name, referrer.context.contexts);
  if (context !== undefined) return { type: "context", name: context };
  const stage = referrer.stages.slice(0, referrer.index).findLast((stage) => stage.name === name.toLowerCase());
  if (stage !== undefined) return { type: "stage", stage };
  return name === "scratch" ? { type: "scratch" } : { type: "image", reference: name };
}

/** A place where a stage refers to another one, as written. */
export interface WrittenReference {
  readonly name: string;
  readonly instruction: Instruction;
}

/** Where a stage refers to others: `COPY --from` and the mounts of `RUN`. */
export function referencesOf(stage: Stage): readonly WrittenReference[] {
  return stage.instructions.flatMap((instruction) =>
    namesIn(instruction).filter((name) => name !== "").map((name) => ({ name, instruction }))
  );
}

function namesIn(instruction: Instruction): readonly string[] {
  if (instruction.kind === "copy") return [instruction.from ?? ""];
  if (instruction.kind !== "run") return [];
  return instruction.mounts.map(({ options }) => options.findLast(({ key }) => key === "from")?.value ?? "");
}

/** A stage that another one uses, and where. */
export interface StageUse {
  /** The stage that holds the reference. */
  readonly from: Stage;
  /** The stage that is meant. */
  readonly stage: Stage;
  readonly by: WrittenReference;
}

/** The stages that a stage uses as the file has it written, those that only triggers use left out. */
export function stagesUsedBy(stage: Stage, referrer: Omit<Referrer, "index">): readonly StageUse[] {
  const own = { ...referrer, index: stage.index };
  const base = findBase(stage.base, own);
  const below = base.type === "stage" ? [{ name: stage.base, instruction: stage.from, found: base.stage }] : [];
  const read = referencesOf(stage).flatMap((by) => {
    const found = findSource(by.name, own);
    return found.type === "stage" || found.type === "later" ? [{ ...by, found: found.stage }] : [];
  });
  return [...below, ...read].map(({ found, ...by }) => ({ from: stage, stage: found, by }));
}

/** Refuses stages that need each other, in a ring or one itself. Throws `PARSE_FAILED` at the line that refers to a stage below it. */
export function checkCircular(stages: readonly Stage[], referrer: Omit<Referrer, "index">): void {
  const done = new Set<Stage>();
  const open = new Set<Stage>();
  for (const first of stages) {
    const path: { readonly stage: Stage; readonly uses: Iterator<StageUse>; readonly via?: StageUse }[] = [];
    path.push({ stage: first, uses: stagesUsedBy(first, referrer).values() });
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      open.add(top.stage);
      const next: StageUse | undefined = done.has(top.stage) ? undefined : top.uses.next().value;
      if (next === undefined) {
        done.add(top.stage);
        open.delete(top.stage);
        path.pop();
      } else if (open.has(next.stage)) {
        const uses = path.flatMap(({ via }) => via === undefined ? [] : [via]);
        throw circular([...uses, next], next.stage, referrer.kit);
      } else if (!done.has(next.stage)) {
        path.push({ stage: next.stage, uses: stagesUsedBy(next.stage, referrer).values(), via: next });
      }
    }
  }
}

/** The ring is the end of the path, from the stage that it closes on; somewhere in it a stage refers to one that is not above it. */
function circular(path: readonly StageUse[], start: Stage, kit: Kit): EngineError {
  const ring = path.slice(path.findIndex(({ from }) => from === start));
  const use = ring.find(({ from, stage }) => stage.index >= from.index) ?? ring[0];
  const at = use?.by.instruction ?? start.from;
  const state = use?.stage === use?.from ? "it is the stage that this line is in" : "it needs this stage itself";
  return parseError(kit, {
    message: `Cannot use stage ${quote(use?.by.name ?? start.name)} here: ${state}`,
    at: at.at,
    instruction: at.keyword.toUpperCase(),
    hint: "Move what both need to a stage above them",
  });
}

/** Whether a text can be the name of an image. */
export function isReference(kit: Kit, text: string): boolean {
  try {
    kit.parseReference(text);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "INVALID_ARGUMENT") return false;
    throw error;
  }
}
