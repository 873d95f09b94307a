import type { Call } from "../contract/call.ts";
import type { LayerContext, LayerEntry, LayerHook, RunSpec } from "../contract/layer.ts";
import type { BuildNode } from "../contract/parse.ts";
import type { Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Platform } from "../oci/descriptor.ts";
import type { TopSnapshot } from "../snapshot/snapshotter.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { type CachedLayer, type Caches, findCached, isBuiltBefore, type KeptLayer, rememberLayer } from "./cache.ts";
import { cacheKey, type CacheKeyParts } from "./cache_key.ts";
import { countBytes } from "./count_bytes.ts";
import { storeIndex } from "./layer_files.ts";
import type { Runner, RunSession } from "./runner.ts";
import { createScratch } from "./scratch.ts";
import { shortcutKey } from "./shortcut.ts";
import type { StepSource } from "./step_source.ts";

/** A node of the graph that makes a layer. */
export type LayerNode = Extract<BuildNode, { type: "layer" }>;

/** What all steps of a build share. */
export interface StepEnvironment extends Caches {
  readonly clock: () => Date;
  /** Seconds since the Unix epoch; undefined without SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | undefined;
  readonly runner: Runner;
  /** Steps being done now, or done earlier in this build, by cache key; those that had to be built apart. */
  readonly inFlight: Map<string, Promise<StepResult>>;
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
  /** Its layer. Settles later than the step where a command has made `top`. */
  readonly layer: Promise<CachedLayer>;
  /** Whether it was there already. */
  readonly isCached: boolean;
  /** The state that a command has made, when it is there before the layer is. */
  readonly top: TopSnapshot | undefined;
  /** What tells the step from others of this build. */
  readonly key: string;
}

/**
 * Gives a step's layer: the remembered one when everything it depends on is as it was, else a new one, which is
 * remembered. Equal steps of one build are built once. Reports start and end.
 */
export async function runStep(step: Step, environment: StepEnvironment, call: Call): Promise<StepResult> {
  call.emit({ type: "step-started", step: step.id, name: step.name });
  const fail = (error: unknown): never => {
    call.emit({ type: "step-ended", step: step.id, outcome: call.signal.aborted ? "canceled" : "failed" });
    throw locate(error, step.node);
  };
  const result = await takeLayer(step, environment, call).catch(fail);
  const end = (layer: CachedLayer): CachedLayer => {
    const outcome = result.isCached ? "cached" : "done";
    call.emit({ type: "step-ended", step: step.id, outcome, digest: layer.descriptor.digest });
    return layer;
  };
  const layer = result.layer.then(end, fail);
  if (result.top === undefined) await layer;
  return { ...result, layer };
}

async function takeLayer(step: Step, environment: StepEnvironment, call: Call): Promise<StepResult> {
  throwIfAborted(call.signal);
  const isForced = step.node.noCache === true;
  const near = isForced ? undefined : await findByShortcut(step, environment, call);
  if (near !== undefined) return near;
  const parts = await keyParts(step, environment, call);
  const [below] = step.inputs;
  const { pendingStep } = below ?? {};
  if (pendingStep !== undefined && step.node.op.kind === "run" && (isForced || await isNew(parts, environment, call))) {
    // It cannot be in the cache, so it need not wait for the layer below to be packed: what that is called does not matter yet.
    const early = await cacheKey({ ...parts, parent: `step:${pendingStep}` });
    const late = cacheKeyOn(below, parts, call);
    const building = { key: () => late, name: early, parts, environment };
    const result = takeOnce(early, environment, () => buildLayer(step, building, call));
    // An equal step that comes when the layer below is packed finds this one.
    late.then(
      (key) =>
        environment.inFlight.has(slotOf(key, isForced)) || environment.inFlight.set(slotOf(key, isForced), result),
      () => {},
    );
    return await result;
  }
  const key = await cacheKeyOn(below, parts, call);
  // A step that must be built does not take what an equal one found in the cache.
  const slot = slotOf(key, isForced);
  return await takeOnce(slot, environment, async () => {
    const known = isForced ? undefined : await findCached(environment, key, call);
    if (known !== undefined) {
      await noteLayer(step, { key, layer: known, parts, environment }, call);
      return found(known, slot);
    }
    return await buildLayer(step, { key: () => Promise.resolve(key), name: slot, parts, environment }, call);
  });
}

function found(layer: CachedLayer, key: string): StepResult {
  return { layer: Promise.resolve(layer), isCached: true, top: undefined, key };
}

/** A step that a shared cache knows by what it reads from, which need not be read then. */
async function findByShortcut(
  step: Step,
  environment: StepEnvironment,
  call: Call,
): Promise<StepResult | undefined> {
  const { shared } = environment;
  if (shared === undefined || step.inputs.some(({ pendingStep }) => pendingStep !== undefined)) return undefined;
  const parts = fixedParts(step, environment);
  const shortcut = await shortcutKey(parts, step.inputs, call);
  const key = shortcut === undefined ? undefined : await shared.findKey(shortcut, call);
  const layer = key === undefined ? undefined : await findCached(environment, key, call);
  if (key === undefined || layer === undefined) return undefined;
  await noteLayer(step, { key, layer, parts, environment }, call);
  return await takeOnce(key, environment, () => Promise.resolve(found(layer, key)));
}

async function cacheKeyOn(below: StepSource | undefined, parts: KeyParts, call: Call): Promise<string> {
  return await cacheKey({ ...parts, parent: await below?.identify(call) });
}

function slotOf(key: string, isForced: boolean): string {
  return isForced ? `${key} built` : key;
}

/** Does the work for the first of equal steps; the others count as cached. */
async function takeOnce(
  slot: string,
  { inFlight }: StepEnvironment,
  work: () => Promise<StepResult>,
): Promise<StepResult> {
  const earlier = inFlight.get(slot);
  if (earlier !== undefined) return { ...await earlier, isCached: true };
  const taken = work();
  inFlight.set(slot, taken);
  return await taken;
}

/** Everything that a step's layer depends on but what it is built on. */
type KeyParts = Omit<CacheKeyParts, "parent">;
/** What of it is known before anything is read. */
type FixedParts = Omit<KeyParts, "content" | "inputs">;

function fixedParts({ node, platform, plugin }: Step, { runner, sourceDateEpoch }: StepEnvironment): FixedParts {
  const settings = node.op.kind === "run" || node.op.runsCommands === true ? runner.settings : undefined;
  return { platform, op: node.op, plugin, settings, sourceDateEpoch };
}

async function keyParts(step: Step, environment: StepEnvironment, call: Call): Promise<KeyParts> {
  const context = layerContext(step, environment, { call, run: refuseRun });
  const [, ...others] = step.inputs;
  const content = await step.hook.contentKey(step.node.op, context);
  return {
    ...fixedParts(step, environment),
    content,
    inputs: content === undefined ? await Promise.all(others.map((input) => input.identify(context))) : undefined,
  };
}

/** Key of an operation, whatever it is built on. */
async function operationKey(parts: FixedParts): Promise<string> {
  return await cacheKey({ ...parts, parent: undefined, content: undefined, inputs: undefined });
}

/** Whether no operation like this was built before, on anything. */
async function isNew(parts: KeyParts, environment: StepEnvironment, call: Call): Promise<boolean> {
  return !await isBuiltBefore(environment, await operationKey(parts), call);
}

/** What is remembered of a step, of which a shared cache is told. */
async function noteLayer(
  { node, inputs }: Step,
  facts: {
    readonly key: string;
    readonly layer: CachedLayer;
    readonly parts: FixedParts;
    readonly environment: StepEnvironment;
  },
  call: Call,
): Promise<KeptLayer> {
  const { key, layer, parts, environment: { shared } } = facts;
  const operation = node.op.kind === "run" ? await operationKey(parts) : undefined;
  const shortcut = shared === undefined ? undefined : await shortcutKey(parts, inputs, call);
  const kept = {
    key,
    layer,
    instruction: node.name,
    ...(operation === undefined ? {} : { operation }),
    ...(shortcut === undefined ? {} : { shortcut }),
  };
  shared?.note(kept);
  return kept;
}

/** How a layer is built. */
interface Building {
  /** The key that it is remembered under. */
  readonly key: () => Promise<string>;
  /** What tells the step from others of this build. */
  readonly name: string;
  readonly parts: KeyParts;
  readonly environment: StepEnvironment;
}

/** Starts to build a layer; settles when it is packed, or as soon as a command has made what others can run on. */
async function buildLayer(step: Step, building: Building, call: Call): Promise<StepResult> {
  const { environment, name } = building;
  const session = environment.runner.open({ ...step, step: step.id, call });
  const layer = packSession(step, { ...building, session }, call).finally(() => session[Symbol.dispose]());
  // Whoever waits for the layer is told; until then nobody may be waiting.
  layer.catch(() => {});
  const top = await Promise.race([session.top, layer.then(() => undefined)]);
  return { layer, isCached: false, top, key: name };
}

async function packSession(
  step: Step,
  { key, parts, environment, session }: Building & { readonly session: RunSession },
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
  const context = layerContext(step, environment, { call, run: session.run });
  const packed = await packLayer(session.watch(step.hook.build(step.node.op, context)), options, call);
  session.commit(packed.diffId);
  const created = environment.clock().toISOString();
  const layer = { descriptor: packed.descriptor, diffId: packed.diffId, created };
  const index = await storeIndex(store, packed.diffId, packed.index, call);
  const kept = await noteLayer(step, { key: await key(), layer, parts, environment }, call);
  await store.update([index, ...await rememberLayer(store, kept, call)], call);
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
