import type { Call } from "../contract/call.ts";
import type { BuildCheck } from "../contract/parse.ts";
import type { Engine } from "../engine.ts";
import type { BuildInput } from "./build_input.ts";
import { openBuildPlan } from "./build_plan.ts";

/**
 * Doubtful places of a build file.
 *
 * @example What a build file had better not do
 * ```ts
 * import type { CheckResult } from "@strata/strata";
 *
 * const messages = ({ checks }: CheckResult): string[] => checks.map(({ at, message }) => `${at.line}: ${message}`);
 * console.log(messages({ checks: [], isFailed: false }));
 * ```
 */
export interface CheckResult {
  /** In file order. */
  readonly checks: readonly BuildCheck[];
  /** Whether one of them is an error. */
  readonly isFailed: boolean;
}

/**
 * Checks a build file without building it or resolving its images. Rejects `PARSE_FAILED` when it cannot be read at all.
 *
 * @example Look for mistakes in a Dockerfile
 * ```ts
 * import { builtins, checkBuild, createCall, createEngine } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY Dockerfile /\n");
 * const context = { type: "directory", path: root } as const;
 * const { checks, isFailed } = await checkBuild(engine, { context }, createCall());
 * for (const { severity, message } of checks) console.log(severity, message);
 * console.log(isFailed);
 * ```
 */
export async function checkBuild(engine: Engine, input: BuildInput, call: Call): Promise<CheckResult> {
  await using plan = await openBuildPlan(engine, input, call);
  const { checks } = await plan.outline(call);
  return { checks, isFailed: checks.some(({ severity }) => severity === "error") };
}
