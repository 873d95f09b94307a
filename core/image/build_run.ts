import { type Solution, solve, type SolvedGraph, stepId } from "../build/solve.ts";
import type { Call } from "../contract/call.ts";
import type { BuildGraph } from "../contract/parse.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Json } from "../oci/canonical_json.ts";
import { familiarReference, formatReference, parseReference, type Reference } from "../oci/reference.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { aliasOf } from "./alias.ts";
import { type BuildCache, openBuildCache } from "./build_cache.ts";
import { commitImage, writeImage, type WrittenImage } from "./build_commit.ts";
import type { BuildInput, BuildOutput } from "./build_input.ts";
import type { BuildEngine } from "./build_reads.ts";
import { type BuildPlan, openBuildPlan } from "./build_plan.ts";
import type { BuildResult, BuiltImage } from "./build_result.ts";
import type { PushedImage } from "./push.ts";
import { checkRunRights, runsCommands } from "./run_rights.ts";

/** Input that was looked at before anything is done. */
interface Order {
  readonly input: BuildInput;
  readonly outputs: readonly BuildOutput[];
  /** Names that the image gets, each once. */
  readonly references: readonly Reference[];
  /** Whether the image goes into the store. */
  readonly isStored: boolean;
}

/**
 * Builds whatever was built before: parses the build file, solves its graphs, and makes the outputs. Rejects as
 * `buildImage` in build.ts says.
 */
export async function runBuild(engine: BuildEngine, input: BuildInput, call: Call): Promise<BuildResult> {
  throwIfAborted(call.signal);
  const order = readOrder(input);
  await using plan = await openBuildPlan(engine, input, call);
  const graphs = await plan.graphs(call);
  engine.reads?.graphs(graphs);
  tellInstructions(graphs, call);
  checkAnnotations(input, graphs.length);
  if (graphs.some(runsCommands)) await checkRunRights();
  await using cache = await openBuildCache(engine, { input, remote: plan.remote }, call);
  const building = { ...engine, store: cache.store };
  const solution = await solveAll(building, { order, plan, cache, graphs }, call);
  engine.reads?.layers(layersOf(solution.graphs));
  const image = await exportStep(building, { order, plan, cache, graphs: solution.graphs }, call);
  await cache.keep(solution.graphs, call);
  return { image, steps: solution.steps, warnings: plan.warnings, metadata: metadataOf(image) };
}

function readOrder(input: BuildInput): Order {
  const outputs = input.outputs === undefined || input.outputs.length === 0
    ? [{ type: "image" } as const]
    : input.outputs;
  const names = outputs.flatMap((output) => "names" in output ? output.names ?? [] : []);
  const references = [...input.tags ?? [], ...names].map(readTag);
  const unique = [...new Map(references.map((reference) => [formatReference(reference), reference])).values()];
  const toStandardOutput = outputs.filter((output) => "dest" in output && output.dest === "-");
  if (toStandardOutput.length > 1) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot write outputs: several of them go to standard output", {
      detail: { field: "output", value: "-" },
    });
  }
  if (unique.length === 0 && outputs.some((output) => "push" in output && output.push !== undefined)) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot push the image of a build: it has no name", {
      detail: { field: "tag" },
      hint: "Name it with --tag HOST/NAME[:TAG]",
    });
  }
  return { input, outputs, references: unique, isStored: outputs.some(({ type }) => type === "image") };
}

function readTag(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest === undefined) return reference;
  throw new EngineError("INVALID_ARGUMENT", `Cannot tag image "${text}": a name with a digest cannot be given`, {
    detail: { field: "tag", value: text },
    hint: "Leave out the part from @ on",
  });
}

function checkAnnotations(input: BuildInput, platforms: number): void {
  const scope = (input.annotations ?? []).map((annotation) => annotation.scope)
    .find((each) => each === "index-descriptor" || (platforms === 1 && each !== "manifest"));
  if (scope === undefined) return;
  const state = scope === "index-descriptor"
    ? "only index, manifest and manifest-descriptor are"
    : "there is one platform, so no index is";
  throw new EngineError("UNSUPPORTED", `Cannot annotate "${scope}": ${state} written`, {
    detail: { what: `annotation of ${scope}`, known: ["manifest", "index", "manifest-descriptor"] },
    hint: "Annotate the manifest, or build for several platforms",
  });
}

/** Tells what the build file says. Of several platforms the first is told of, whose steps stand for those of the others. */
function tellInstructions([graph, second]: readonly BuildGraph[], call: Call): void {
  if (graph?.instructions === undefined) return;
  const instructions = graph.instructions.map(({ text, nodes }) => ({
    text,
    steps: nodes.map((id) => stepId(graph, id, second !== undefined)),
  }));
  call.emit({ type: "instructions", instructions });
}

/** Solves the graphs, once more for each shared cache that does not give what it has promised. */
async function solveAll(
  engine: Engine,
  work: {
    readonly order: Order;
    readonly plan: BuildPlan;
    readonly cache: BuildCache;
    readonly graphs: readonly BuildGraph[];
  },
  call: Call,
): Promise<Solution> {
  const { order: { input, outputs }, plan, cache, graphs } = work;
  const isContentWanted = outputs.some(({ type }) => type !== "registry" && type !== "cacheonly");
  for (;;) {
    try {
      const solution = await solve(graphs, {
        store: cache.store,
        shared: cache.shared,
        host: engine.host,
        sources: plan.sources,
        jobs: input.jobs ?? navigator.hardwareConcurrency,
        clock: engine.clock,
        sourceDateEpoch: plan.sourceDateEpoch,
        run: input.run ?? {},
        root: engine.config.root,
      }, call);
      if (isContentWanted) await cache.fetchCached(layersOf(solution.graphs), call);
      return solution;
    } catch (error) {
      if (!await cache.drop()) throw error;
    }
  }
}

function layersOf(graphs: readonly SolvedGraph[]): readonly Descriptor[] {
  return graphs.flatMap(({ chain }) => chain.layers.map(({ descriptor }) => descriptor));
}

/** What solved graphs are made into. */
interface Export {
  readonly order: Order;
  readonly plan: BuildPlan;
  readonly cache: BuildCache;
  readonly graphs: readonly SolvedGraph[];
}

async function exportStep(engine: Engine, work: Export, call: Call): Promise<BuiltImage | undefined> {
  const step = "export";
  call.emit({ type: "step-started", step, name: "exporting" });
  try {
    const image = await exportAll(engine, work, call);
    const digest = image === undefined ? {} : { digest: image.digest };
    call.emit({ type: "step-ended", step, outcome: "done", ...digest });
    return image;
  } catch (error) {
    call.emit({ type: "step-ended", step, outcome: call.signal.aborted ? "canceled" : "failed" });
    throw error;
  }
}

async function exportAll(engine: Engine, work: Export, call: Call): Promise<BuiltImage | undefined> {
  const { order, plan, cache, graphs } = work;
  const { outputs, references } = order;
  const hasImage = outputs.some(({ type }) => ["image", "registry", "oci", "docker"].includes(type));
  const options = {
    labels: order.input.labels ?? {},
    annotations: order.input.annotations ?? [],
    sourceDateEpoch: plan.sourceDateEpoch,
    isReused: order.input.noCache !== true,
  };
  const image = hasImage ? await writeImage(engine, { graphs, options }, call) : undefined;
  for (const output of outputs) {
    throwIfAborted(call.signal);
    if (["image", "registry", "cacheonly"].includes(output.type)) continue;
    const { writeArchive, writeFiles } = await import("./output.ts");
    if (output.type === "local" || output.type === "tar") await writeFiles(output, graphs, call);
    else if (image !== undefined && (output.type === "oci" || output.type === "docker")) {
      await writeArchive(
        engine,
        { output, descriptor: image.descriptor, names: references.map(formatReference) },
        call,
      );
    }
  }
  if (image === undefined) return undefined;
  throwIfAborted(call.signal);
  if (order.isStored) {
    await cache.obtain(layersOf(graphs), call);
    await commitImage(engine, { image, references }, call);
  }
  const pushed = await pushAll(engine, { image, order, cache }, call);
  return describe(image, { ...order, pushed });
}

/** Pushes the image under every name, as the first output that says so has it. */
async function pushAll(
  engine: Engine,
  work: { readonly image: WrittenImage; readonly order: Order; readonly cache: BuildCache },
  call: Call,
): Promise<readonly PushedImage[]> {
  const { image: { descriptor }, order: { outputs, references }, cache } = work;
  const [push] = outputs.flatMap((output) => "push" in output && output.push !== undefined ? [output.push] : []);
  if (push === undefined) return [];
  const pushed: PushedImage[] = [];
  const { pushAs } = await import("./push.ts");
  for (const name of references) {
    throwIfAborted(call.signal);
    pushed.push(await pushAs(engine, { ...push, name, descriptor, origins: cache.origins() }, call));
  }
  return pushed;
}

function describe(
  image: WrittenImage,
  { references, isStored, pushed }: Order & { readonly pushed: readonly PushedImage[] },
): BuiltImage {
  // Others find it by what it is in the registry, where its layers are compressed.
  const descriptor = pushed[0]?.descriptor ?? image.descriptor;
  return {
    id: image.id,
    descriptor,
    digest: descriptor.digest,
    alias: aliasOf(image.id),
    tags: references.map(formatReference),
    familiarTags: references.map(familiarReference),
    isStored,
    pushed: pushed.map(({ name }) => name),
    platforms: image.platforms,
  };
}

function metadataOf(image: BuiltImage | undefined): Readonly<Record<string, Json>> {
  if (image === undefined) return {};
  const { mediaType, digest, size } = image.descriptor;
  const [only, second] = image.platforms;
  return {
    ...(only !== undefined && second === undefined ? { "containerimage.config.digest": only.id } : {}),
    "containerimage.descriptor": { mediaType, digest, size },
    "containerimage.digest": digest,
    ...(image.tags.length === 0 ? {} : { "image.name": image.tags.join(",") }),
  };
}
