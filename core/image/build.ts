import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import { throwIfAborted } from "../stream/abort.ts";
import type { BuildInput } from "./build_input.ts";
import { recordName } from "./build_record.ts";
import { replayBuild } from "./build_replay.ts";
import type { BuildResult } from "./build_result.ts";

/**
 * Builds what a build file says, for each platform, and makes the outputs of it. An image gets its names in the store last,
 * all at once; a build that fails or is canceled names nothing. What was built stays in the cache. A build whose steps were
 * all in the cache is remembered with what it read; while all of that stays as it was, the same build gives the same
 * result and reports the same again without its file being parsed. Rejects `INVALID_ARGUMENT`
 * for bad input, `PARSE_FAILED`, `NOT_FOUND`, `UNSUPPORTED`, `STEP_FAILED`, `CANCELED`, and what plugins reject with.
 *
 * @example Build a folder with a Dockerfile
 * ```ts
 * import { buildImage, builtins, createCall, createEngine } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY Dockerfile /\n");
 * const context = { type: "directory", path: root } as const;
 * const { image } = await buildImage(engine, { context, tags: ["app:1"] }, createCall());
 * console.log(image?.id, image?.familiarTags);
 * ```
 */
export async function buildImage(engine: Engine, input: BuildInput, call: Call): Promise<BuildResult> {
  throwIfAborted(call.signal);
  const name = await recordName(engine, input);
  const replayed = name === undefined ? undefined : await replayBuild(engine, name, call);
  if (replayed !== undefined) return replayed;
  // Loaded late: a build that is replayed does without the parser and the solver.
  if (name === undefined) return await (await import("./build_run.ts")).runBuild(engine, input, call);
  return await (await import("./build_watch.ts")).watchBuild(engine, { input, name }, call);
}
