import type { Call } from "../contract/call.ts";
import type { BuildOutline } from "../contract/parse.ts";
import type { Engine } from "../engine.ts";
import type { BuildInput } from "./build_input.ts";
import { openBuildPlan } from "./build_plan.ts";

/**
 * What a build file takes and holds: stages, arguments, secrets. Builds nothing and resolves no image. Rejects `PARSE_FAILED`.
 *
 * @example Stages and arguments of a Dockerfile
 * ```ts
 * import { builtins, createCall, createEngine, outlineBuild } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY Dockerfile /\n");
 * const context = { type: "directory", path: root } as const;
 * const { stages, args } = await outlineBuild(engine, { context }, createCall());
 * console.log(stages.length, args.map(({ name }) => name));
 * ```
 */
export async function outlineBuild(engine: Engine, input: BuildInput, call: Call): Promise<BuildOutline> {
  await using plan = await openBuildPlan(engine, input, call);
  return await plan.outline(call);
}
