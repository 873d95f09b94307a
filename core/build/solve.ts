import type { Call } from "../contract/call.ts";
import type { LayerHook, Tree } from "../contract/layer.ts";
import type { BuildGraph, BuildNode, NodeId } from "../contract/parse.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Host } from "../host/registry.ts";
import { formatPlatform } from "../oci/platform.ts";
import { canceled } from "../stream/abort.ts";
import type { Caches } from "./cache.ts";
import type { Chain } from "./chain.ts";
import { createLayerFiles, type LayerFiles } from "./layer_files.ts";
import { createLimit, type Limit } from "./limit.ts";
import { type BaseFacts, createNodeStates, type NodeState, type SourceProvider } from "./node_state.ts";
import type { RunOptions } from "./run_options.ts";
import { createRunner } from "./runner.ts";
import { type LayerNode, locate, runStep, type StepEnvironment } from "./step.ts";

/** What solving needs. */
export interface SolveOptions extends Caches {
  /** Who builds operations. */
  readonly host: Pick<Host, "layer" | "plugins">;
  /** Where contexts, images and git checkouts come from. */
  readonly sources: SourceProvider;
  /** Most steps at work at once. */
  readonly jobs: number;
  /** How commands run. */
  readonly run: RunOptions;
  /** Directory that strata keeps its data in. */
  readonly root: string;
  readonly clock: () => Date;
  /** Seconds since the Unix epoch; undefined without SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | undefined;
}

/**
 * How many steps a build had.
 *
 * @example Whether a build has found everything in the cache
 * ```ts
 * import type { StepSummary } from "@strata/strata";
 *
 * const steps: StepSummary = { total: 3, cached: 3, built: 0 };
 * console.log(steps.cached === steps.total);
 * ```
 */
export interface StepSummary {
  /** Steps that make layers, over all platforms. */
  readonly total: number;
  /** Of these, taken from the cache. */
  readonly cached: number;
  /** Of these, built. */
  readonly built: number;
}

/** A graph whose result is there. */
export interface SolvedGraph {
  readonly graph: BuildGraph;
  /** Layers of the result. */
  readonly chain: Chain;
  /** What the image at the root brings to the config; undefined from scratch. */
  readonly base: BaseFacts | undefined;
  /** Files of the result, read when asked. */
  readonly tree: Tree;
}

/** What solving gives. */
export interface Solution {
  /** In the order of the graphs. */
  readonly graphs: readonly SolvedGraph[];
  readonly steps: StepSummary;
}

/** Everything the nodes of one graph share. */
interface Walk {
  readonly graph: BuildGraph;
  readonly hooks: ReadonlyMap<string, LayerHook>;
  /** Before every step id, so that the ids of several graphs differ. */
  readonly prefix: string;
}

/**
 * Builds what graphs need and no more: nodes that do not lead to the result are left out, branches run together, equal
 * steps are built once. The first failure cancels the rest; it is thrown when everything has come to rest. An operation
 * that nobody builds rejects `UNSUPPORTED` before any step runs. The caller holds a lease of the store.
 */
export async function solve(graphs: readonly BuildGraph[], options: SolveOptions, call: Call): Promise<Solution> {
  const walks: Walk[] = [];
  for (const graph of graphs) {
    const prefix = stepPrefix(graph, graphs.length > 1);
    walks.push({ graph, hooks: await findHooks(graph, options.host), prefix });
  }
  const controller = new AbortController();
  const inner: Call = { signal: AbortSignal.any([call.signal, controller.signal]), emit: call.emit };
  await using runner = createRunner({ ...options, options: options.run });
  const environment: StepEnvironment = { ...options, runner, inFlight: new Map() };
  const limit = createLimit(options.jobs);
  const failures: unknown[] = [];
  const counts = { cached: 0, built: 0 };
  const fail = (error: unknown): never => {
    failures.push(error);
    controller.abort(error);
    throw error;
  };
  const run: Run = { options, environment, files: createLayerFiles(options.store), limit, counts, fail, packing: [] };
  const runs = walks.map((walk) => runGraph(walk, run, inner).catch(fail));
  const settled = await Promise.allSettled(runs);
  if (call.signal.aborted) throw canceled(call.signal);
  if (failures.length > 0) throw failures[0];
  const solved = settled.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  return { graphs: solved, steps: { total: counts.cached + counts.built, ...counts } };
}

/** Id under which the step of a node is reported, where there are several graphs or one. */
export function stepId(graph: BuildGraph, node: NodeId, isOneOfSeveral: boolean): string {
  return `${stepPrefix(graph, isOneOfSeveral)}${node}`;
}

function stepPrefix(graph: BuildGraph, isOneOfSeveral: boolean): string {
  return isOneOfSeveral ? `${formatPlatform(graph.platform)}:` : "";
}

interface Run {
  readonly options: SolveOptions;
  readonly environment: StepEnvironment;
  readonly files: LayerFiles;
  readonly limit: Limit;
  readonly counts: { cached: number; built: number };
  readonly fail: (error: unknown) => never;
  /** Layers that may still be packed when their step's files are there already. */
  readonly packing: Promise<unknown>[];
}

/** Solves one graph; settles only when none of its nodes is at work any more. */
async function runGraph(walk: Walk, run: Run, call: Call): Promise<SolvedGraph> {
  const { graph } = walk;
  const states = createNodeStates({ ...run, sources: run.options.sources, platform: graph.platform });
  const known = new Map<NodeId, Promise<NodeState>>();
  const stateOf = (id: NodeId): Promise<NodeState> => {
    const state = known.get(id) ?? make(nodeAt(graph, id), id).catch(run.fail);
    known.set(id, state);
    return state;
  };
  const make = async (node: BuildNode, id: NodeId): Promise<NodeState> => {
    if (node.type !== "layer") {
      return await states.open(node, call).catch((error) => Promise.reject(locateSource(error, id, graph)));
    }
    const inputs = await Promise.all(node.inputs.map(stateOf));
    const hook = walk.hooks.get(node.op.kind);
    const [below] = inputs;
    if (hook === undefined || below === undefined) throw new EngineError("INTERNAL", `Cannot build node "${id}"`);
    const step = {
      id: `${walk.prefix}${id}`,
      name: walk.prefix === "" ? node.name : nameFor(node.name, formatPlatform(graph.platform)),
      node,
      hook,
      plugin: ownerOf(run.options.host, node.op.kind),
      platform: graph.platform,
      inputs,
    };
    const result = await run.limit(() => runStep(step, run.environment, call));
    run.counts[result.isCached ? "cached" : "built"]++;
    run.packing.push(result.layer.catch(run.fail));
    const base = node.onto === undefined ? below : await stateOf(node.onto);
    return await states.extend(base, result, call);
  };
  const wanted = [...reachable(graph)].map(stateOf);
  await Promise.allSettled(wanted);
  await Promise.allSettled(run.packing);
  const result = await stateOf(graph.result);
  return { graph, chain: await result.chain(call), base: await result.base(call), tree: result.tree };
}

/** The error of a source with the place of a step that copies or mounts from it; one that only stands on it is not to blame. */
function locateSource(error: unknown, id: NodeId, graph: BuildGraph): unknown {
  const steps = [...reachable(graph)].map((each) => nodeAt(graph, each)).filter((node) => node.type === "layer");
  const reader = steps.find(({ inputs }) => inputs.indexOf(id) > 0);
  return reader === undefined ? error : locate(error, reader);
}

/** Ids of the nodes that the result needs, itself included, in ascending order. */
export function reachable(graph: BuildGraph): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  const queue = [graph.result];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    const node = nodeAt(graph, id);
    if (node.type !== "layer") continue;
    for (const input of node.onto === undefined ? node.inputs : [...node.inputs, node.onto]) {
      if (input >= id) throw broken(`node "${id}" reads node "${input}", which is not before it`);
      queue.push(input);
    }
    if (node.inputs.length === 0) throw broken(`node "${id}" has no inputs`);
  }
  return new Set([...found].sort((a, b) => a - b));
}

function nodeAt(graph: BuildGraph, id: NodeId): BuildNode {
  const node = graph.nodes[id];
  if (node === undefined) throw broken(`there is no node "${id}"`);
  return node;
}

function broken(state: string): EngineError {
  return new EngineError("PLUGIN_FAILED", `Cannot solve build graph: ${state}`, { detail: { hook: "parse" } });
}

async function findHooks(graph: BuildGraph, host: Pick<Host, "layer">): Promise<ReadonlyMap<string, LayerHook>> {
  const found = new Map<string, LayerHook>();
  for (const id of reachable(graph)) {
    const node = nodeAt(graph, id);
    if (node.type !== "layer" || found.has(node.op.kind)) continue;
    try {
      found.set(node.op.kind, await host.layer(node.op.kind));
    } catch (error) {
      throw locate(unbuildable(error, node), node);
    }
  }
  return found;
}

/** Says what the user wrote in place of what it is called inside. */
function unbuildable(error: unknown, node: LayerNode): unknown {
  if (!isEngineError(error) || error.code !== "UNSUPPORTED") return error;
  const message = `Cannot build "${node.name}": no plugin builds operations of kind "${node.op.kind}"`;
  return new EngineError("UNSUPPORTED", message, {
    cause: error,
    detail: error.detail,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

function ownerOf(host: Pick<Host, "plugins">, kind: string): string | undefined {
  return host.plugins.find(({ provides }) => provides.layer.includes(kind))?.identity;
}

/** The step's name with its platform: inside the leading brackets when it has them, else before it. */
function nameFor(name: string, platform: string): string {
  return name.startsWith("[") ? `[${platform} ${name.slice(1)}` : `[${platform}] ${name}`;
}
