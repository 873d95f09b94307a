import type { Instruction } from "./ast.ts";
import { openBase } from "./base.ts";
import { lowerConfig } from "./lower_config.ts";
import { lowerCopy } from "./lower_copy.ts";
import { lowerExpose } from "./lower_expose.ts";
import type { Lowering } from "./lowering.ts";
import { lowerRun } from "./lower_run.ts";
import { lowerArg, lowerEnv } from "./lower_variable.ts";
import { lowerWorkdir } from "./lower_workdir.ts";
import { readTrigger } from "./read_dockerfile.ts";
import type { Session } from "./session.ts";
import { type Lowered, noFacts } from "./stage_state.ts";
import type { Stage } from "./stages.ts";

/**
 * Turns a stage's instructions into nodes and a config, and with it each stage that it needs. Throws `PARSE_FAILED`, `UNSUPPORTED`, and
 * `NOT_FOUND` for an image that is nowhere.
 */
export async function lowerStage(stage: Stage, session: Session): Promise<Lowered> {
  const base = await openBase(stage, session);
  const facts = noFacts();
  for (const name of stage.uses) facts.names.add(name);
  if (stage.replacedBy !== undefined) return { state: base.state, facts };
  if (base.below !== undefined) facts.stages.add(base.below.stage.index);
  const triggers = base.triggers.map((text) => readTrigger(text, stage.from.at, session.kit));
  const instructions = [...triggers, ...stage.instructions];
  const total = instructions.filter(makesLayer).length;
  let step = 0;
  for (const [i, instruction] of instructions.entries()) {
    if (session.context.signal.aborted) {
      throw session.kit.error("CANCELED", "Cannot read the build file: the build was canceled");
    }
    if (makesLayer(instruction)) step++;
    const title = stage.title === "" ? "" : `${stage.title} `;
    const prefix = `[${title}${step}/${total}] ${i < triggers.length ? "ONBUILD " : ""}`;
    const checks = session.checks.scopedTo(instruction.comments);
    await lowerInstruction({ session, stage, state: base.state, facts, instruction, checks, prefix });
  }
  return { state: base.state, facts };
}

function makesLayer({ kind }: Instruction): boolean {
  return kind === "workdir" || kind === "copy" || kind === "add" || kind === "run";
}

async function lowerInstruction(lowering: Lowering): Promise<void> {
  const { instruction } = lowering;
  switch (instruction.kind) {
    case "arg":
      return lowerArg({ ...lowering, instruction });
    case "env":
      return lowerEnv({ ...lowering, instruction: { ...instruction, kind: "env" } });
    case "expose":
      return lowerExpose({ ...lowering, instruction });
    case "workdir":
      return lowerWorkdir({ ...lowering, instruction });
    case "copy":
      return await lowerCopy({ ...lowering, instruction });
    case "add":
      return await lowerCopy({ ...lowering, instruction });
    case "run":
      return await lowerRun({ ...lowering, instruction });
    default:
      return lowerConfig(lowering);
  }
}
