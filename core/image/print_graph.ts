import type { Call } from "../contract/call.ts";
import type { BuildGraph } from "../contract/parse.ts";
import type { Engine } from "../engine.ts";
import type { BuildInput } from "./build_input.ts";
import { openBuildPlan } from "./build_plan.ts";

/**
 * The graph that a build would solve, one for each platform in order, to be looked at: passwords and tokens of URLs are
 * shown as `***`. Resolves base images and builds nothing. Rejects as parsing does.
 *
 * @example The steps that a Dockerfile stands for
 * ```ts
 * import { builtins, createCall, createEngine, printGraph } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY Dockerfile /\n");
 * const context = { type: "directory", path: root } as const;
 * const [graph] = await printGraph(engine, { context }, createCall());
 * console.log(graph?.nodes.map(({ type }) => type));
 * ```
 */
export async function printGraph(engine: Engine, input: BuildInput, call: Call): Promise<readonly BuildGraph[]> {
  await using plan = await openBuildPlan(engine, input, call);
  const graphs = await plan.graphs(call);
  return JSON.parse(JSON.stringify(graphs), (_key, value) => typeof value === "string" ? redact(value) : value);
}

function redact(text: string): string {
  const hidden = text.replace(/(https?:\/\/)[^/?#\s]*@/gi, "$1***@");
  return hidden.replace(/([a-z][a-z0-9+.-]*:\/\/[^/?#:@\s]*):[^/?#\s]*@/gi, "$1:***@");
}
