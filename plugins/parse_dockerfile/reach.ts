import { findBase, stagesUsedBy } from "./references.ts";
import type { Session } from "./session.ts";
import type { StageFacts } from "./stage_state.ts";
import type { Stage } from "./stages.ts";

/** Facts about a stage and all that it uses, in file order; they have been lowered before. */
export async function factsOf(target: Stage, session: Session): Promise<readonly StageFacts[]> {
  return (await reach(target, session)).map(({ facts }) => facts);
}

/** A stage and all that it uses, in file order; they have been lowered before. */
export async function stagesOf(target: Stage, session: Session): Promise<readonly Stage[]> {
  return (await reach(target, session)).map(({ stage }) => stage);
}

interface Reached {
  readonly stage: Stage;
  readonly facts: StageFacts;
}

async function reach(target: Stage, session: Session): Promise<readonly Reached[]> {
  const found = new Map<number, Reached>();
  const open = [target];
  for (let stage = open.pop(); stage !== undefined; stage = open.pop()) {
    if (found.has(stage.index)) continue;
    const { facts } = await session.lower(stage);
    found.set(stage.index, { stage, facts });
    for (const index of facts.stages) {
      const used = session.stages[index];
      if (used !== undefined) open.push(used);
    }
  }
  return [...found].sort(([a], [b]) => a - b).map(([, reached]) => reached);
}

/** The stages that a stage needs as the file has it written, itself included, in file order. */
export function stagesNeededBy(target: Stage, session: Session): readonly Stage[] {
  const found = new Set<Stage>();
  const open = [target];
  for (let stage = open.pop(); stage !== undefined; stage = open.pop()) {
    if (found.has(stage)) continue;
    found.add(stage);
    if (stage.replacedBy === undefined) open.push(...stagesUsedBy(stage, session).map((use) => use.stage));
  }
  return [...found].filter(({ index }) => index <= target.index).sort((a, b) => a.index - b.index);
}

/** Lowers stages in order, those first that others start from, so that none has to wait for many; base images are looked up at once. */
export async function lowerInOrder(stages: readonly Stage[], session: Session): Promise<void> {
  for (const stage of stages) prefetchBase(stage, session);
  for (const stage of stages) await session.lower(stage);
}

function prefetchBase(stage: Stage, session: Session): void {
  const base = findBase(stage.base, { ...session, index: stage.index });
  if (stage.replacedBy !== undefined || base.type !== "image") return;
  const platform = stage.platform ?? session.context.platform;
  // A failure is met again, and reported, where the stage is lowered.
  session.base(base.reference, { platform, at: stage.from.at, instruction: "FROM" }).catch(() => undefined);
}
