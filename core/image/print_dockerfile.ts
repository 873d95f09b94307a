import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { BuildInput } from "./build_input.ts";
import { openBuildPlan } from "./build_plan.ts";

/**
 * The build file as a Dockerfile in Docker's own syntax, whatever it is written in; a Dockerfile comes in its usual form. Builds nothing and
 * resolves no image. Rejects `UNSUPPORTED` when the file's format has no such form, and as parsing does.
 *
 * @example A Dockerfile in its usual form
 * ```ts
 * import { builtins, createCall, createEngine, printDockerfile } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await Deno.writeTextFile(`${root}/Dockerfile`, "from scratch\n  copy Dockerfile /\n");
 * const context = { type: "directory", path: root } as const;
 * console.log(await printDockerfile(engine, { context }, createCall()));
 * ```
 */
export async function printDockerfile(engine: Engine, input: BuildInput, call: Call): Promise<string> {
  await using plan = await openBuildPlan(engine, input, call);
  const { dockerfile } = await plan.outline(call);
  if (dockerfile !== undefined) return dockerfile;
  const { file: { path }, format } = plan;
  throw new EngineError("UNSUPPORTED", `Cannot print "${path}" as a Dockerfile: its format "${format}" gives none`, {
    detail: { what: "Dockerfile", value: format },
    hint: "Look at the steps with --print=graph",
  });
}
