import type { Call } from "../contract/call.ts";
import type { LayerContext, LayerEntry, LayerHook, RunSpec } from "../contract/layer.ts";
import type { BuildNode } from "../contract/parse.ts";
import type { Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Platform } from "../oci/descriptor.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { type CachedLayer, findCached, rememberLayer } from "./cache.ts";
import { cacheKey } from "./cache_key.ts";
import { countBytes } from "./count_bytes.ts";
import { storeIndex } from "./layer_files.ts";
import type { Runner, RunSession } from "./runner.ts";
import { createScratch } from "./scratch.ts";
import type { StepSource } from "./step_source.ts";

/** A node of the graph that makes a layer. */
export type LayerNode = Extract<BuildNode, { type: "layer" }>;

/** What all steps of a build share. */
export interface StepEnvironment {
  readonly store: Store;
  readonly clock: () => Date;
  /** Seconds since the Unix epoch; undefined without SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | undefined;
  readonly runner: Runner;
  /** Layers being built now, or built or found earlier in this build, by cache key; those that had to be built apart. */
  readonly inFlight: Map<string, Promise<CachedLayer>>;
}

/** One step. */
export interface Step {
  /** Its id in events. */
  readonly id: string;
  /** Its name in events. */
  readonly name: string;
  readonly node: LayerNode;
  readonly hook: LayerHook;
  /** Identity of the plugin that owns the hook; undefined when it is not known. */
  readonly plugin: string | undefined;
  readonly platform: Platform;
  /** The node's inputs, in order. */
  readonly inputs: readonly StepSource[];
}

/** What became of a step. */
export interface StepResult {
  readonly layer: CachedLayer;
  /** Whether it was there already. */
  readonly isCached: boolean;
}

/**
 * Gives a step's layer: the remembered one when everything it depends on is as it was, else a new one, which is
 * remembered. Equal steps of one build are built once. Reports start and end.
 */
export async function runStep(step: Step, environment: StepEnvironment, call: Call): Promise<StepResult> {
  call.emit({ type: "step-started", step: step.id, name: step.name });
  try {
    const result = await takeLayer(step, environment, call);
    const outcome = result.isCached ? "cached" : "done";
    call.emit({ type: "step-ended", step: step.id, outcome, digest: result.layer.descriptor.digest });
    return result;
  } catch (error) {
    call.emit({ type: "step-ended", step: step.id, outcome: call.signal.aborted ? "canceled" : "failed" });
    throw locate(error, step.node);
  }
}

async function takeLayer(step: Step, environment: StepEnvironment, call: Call): Promise<StepResult> {
  throwIfAborted(call.signal);
  const key = await keyOf(step, layerContext(step, environment, { call, run: refuseRun }), environment);
  // A step that must be built does not take what an equal one found in the cache.
  const slot = step.node.noCache === true ? `${key} built` : key;
  const earlier = environment.inFlight.get(slot);
  if (earlier !== undefined) return { layer: await earlier, isCached: true };
  let isCached = true;
  const take = async (): Promise<CachedLayer> => {
    const known = step.node.noCache === true ? undefined : await findCached(environment.store, key, call);
    if (known !== undefined) return known;
    isCached = false;
    return await buildLayer(step, { key, environment }, call);
  };
  const taken = take();
  environment.inFlight.set(slot, taken);
  return { layer: await taken, isCached };
}

async function keyOf(step: Step, context: LayerContext, environment: StepEnvironment): Promise<string> {
  const [below, ...others] = step.inputs;
  const content = await step.hook.contentKey(step.node.op, context);
  return await cacheKey({
    platform: step.platform,
    op: step.node.op,
    plugin: step.plugin,
    parent: await below?.identify(context),
    content,
    inputs: content === undefined ? await Promise.all(others.map((input) => input.identify(context))) : undefined,
    sourceDateEpoch: environment.sourceDateEpoch,
  });
}

async function buildLayer(
  step: Step,
  { key, environment }: { readonly key: string; readonly environment: StepEnvironment },
  call: Call,
): Promise<CachedLayer> {
  const { packLayer } = await import("../layer/pack.ts");
  const { store, sourceDateEpoch } = environment;
  const report = (current: number): void => call.emit({ type: "step-progress", step: step.id, current, unit: "bytes" });
  const counted: Pick<Store, "ingest"> = {
    ingest: (content, mediaType, inner) =>
      store.ingest(countBytes(content, environment.clock, report), mediaType, inner),
  };
  const options = { store: counted, ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }) };
  await using session = environment.runner.open({ ...step, step: step.id, call });
  const context = layerContext(step, environment, { call, run: session.run });
  const packed = await packLayer(session.watch(step.hook.build(step.node.op, context)), options, call);
  session.commit(packed.diffId);
  const created = environment.clock().toISOString();
  const layer = { descriptor: packed.descriptor, diffId: packed.diffId, created };
  const index = await storeIndex(store, packed.diffId, packed.index, call);
  await store.update([index, rememberLayer(key, layer, step.node.name)], call);
  return layer;
}

function layerContext(
  step: Step,
  environment: StepEnvironment,
  { call, run }: { readonly call: Call; readonly run: RunSession["run"] },
): LayerContext {
  return {
    signal: call.signal,
    emit: (event) => call.emit("step" in event ? { ...event, step: step.id } : event),
    platform: step.platform,
    sourceDateEpoch: environment.sourceDateEpoch,
    inputs: step.inputs.map((input) => input.tree),
    run,
    scratch: createScratch(environment.store, step.node.op.kind, call),
  };
}

// deno-lint-ignore require-yield
async function* refuseRun(spec: RunSpec): AsyncGenerator<LayerEntry> {
  throw await Promise.resolve(
    new EngineError("PLUGIN_FAILED", `Cannot run "${spec.args[0] ?? ""}": a layer's content key may not run commands`, {
      detail: { hook: "layer.contentKey" },
    }),
  );
}

/** The error with the place of the instruction, unless it has one of its own. */
export function locate(error: unknown, node: LayerNode): unknown {
  if (!isEngineError(error) || error.code === "CANCELED" || node.at === undefined) return error;
  if (error.detail.range !== undefined) return error;
  return new EngineError(error.code, error.message, {
    cause: error,
    detail: { ...error.detail, range: node.at, step: node.name },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
