import type { Call } from "../contract/call.ts";
import type { BuildOutline } from "../contract/parse.ts";
import type { Engine } from "../engine.ts";
import type { BuildInput } from "./build_input.ts";
import { openBuildPlan } from "./build_plan.ts";

/** What a build file takes and holds: stages, arguments, secrets. Builds nothing and resolves no image. Rejects `PARSE_FAILED`. */
export async function outlineBuild(engine: Engine, input: BuildInput, call: Call): Promise<BuildOutline> {
  await using plan = await openBuildPlan(engine, input, call);
  return await plan.outline(call);
}
