import type { Call } from "../contract/call.ts";
import type { Tree } from "../contract/layer.ts";
import type { BuildNode } from "../contract/parse.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import type { History } from "../oci/image_config.ts";
import type { ImageContent } from "./base_image.ts";
import { type CachedLayer, findCached, rememberLayer } from "./cache.ts";
import { cacheKey } from "./cache_key.ts";
import { type Chain, type ChainLayer, emptyChain, extendChain } from "./chain.ts";
import type { LayerFiles } from "./layer_files.ts";
import { storeIndex } from "./layer_files.ts";
import type { TopSnapshot } from "../snapshot/snapshotter.ts";
import { lazyTree } from "./node_tree.ts";
import type { LayerNode, StepEnvironment, StepResult } from "./step.ts";
import type { StepSource } from "./step_source.ts";
import { storedLayers } from "./stored_layers.ts";

/** What the root of a chain brings to the config of the images built on it. */
export interface BaseFacts {
  /** One entry that is not `empty_layer` for each of its layers. */
  readonly history: readonly History[];
  readonly author?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

/** What a source of files turns out to be. */
export type SourceState =
  | { readonly type: "tree"; readonly tree: Tree }
  | { readonly type: "image"; readonly image: ImageContent };

/** Finds what nodes that are not layers stand for. */
export interface SourceProvider {
  /** The build context (empty name) or one of `--build-context`, without what the patterns leave out. */
  context(
    source: { readonly name: string; readonly exclude: readonly string[]; readonly platform: Platform },
    call: Call,
  ): Promise<SourceState>;
  /** An image by its pinned manifest. */
  image(descriptor: Descriptor, call: Call): Promise<ImageContent>;
  /** A checkout. */
  git(node: Extract<BuildNode, { type: "git" }>, call: Call): Promise<Tree>;
}

/** The filesystem of one node. Files that are not in layers yet, a context's, are packed as one when its chain is asked for. */
export interface NodeState extends StepSource {
  /** What its root brings to the config; undefined from scratch. */
  base(call: Call): Promise<BaseFacts | undefined>;
}

/** Makes the states of one graph's nodes. */
export interface NodeStates {
  /** The state of a node that is not a layer. */
  open(node: Exclude<BuildNode, LayerNode>, call: Call): Promise<NodeState>;
  /** The state that a step's layer on top of another one gives; at once also when the layer is still being packed. */
  extend(below: NodeState, step: StepResult, call: Call): Promise<NodeState>;
}

/** What states are made from. */
export interface NodeStatesOptions {
  readonly sources: SourceProvider;
  readonly files: LayerFiles;
  readonly platform: Platform;
  readonly environment: StepEnvironment;
}

/** Makes the states of a graph for one platform. */
export function createNodeStates(options: NodeStatesOptions): NodeStates {
  const layered = (chain: Chain, base: BaseFacts | undefined, call: Call): NodeState => ({
    tree: options.files.tree(chain.layers, call),
    identify: () => Promise.resolve(chain.chainId),
    isLayered: true,
    pendingStep: undefined,
    chain: () => Promise.resolve(chain),
    snapshotLayers: () => storedLayers(chain, options.environment.store),
    base: () => Promise.resolve(base),
  });
  const fromImage = (image: ImageContent, call: Call): NodeState => layered(image.chain, factsOf(image), call);
  return {
    open: async (node, call) => {
      if (node.type === "scratch") return layered(emptyChain, undefined, call);
      if (node.type === "git") return fromTree(await options.sources.git(node, call), `ADD ${node.url}`, options);
      if (node.type === "image") return fromImage(await options.sources.image(node.descriptor, call), call);
      const state = await options.sources.context({ ...node, platform: options.platform }, call);
      return state.type === "image" ? fromImage(state.image, call) : fromTree(state.tree, `FROM ${node.name}`, options);
    },
    extend: async (below, step, call) => {
      if (step.top !== undefined) return pending(below, { ...step, top: step.top }, options.files, call);
      return layered(await extendChain(await below.chain(call), [await step.layer]), await below.base(call), call);
    },
  };
}

/** The state that a command has just made, whose layer is still being packed. */
function pending(
  below: NodeState,
  { layer, top, key }: StepResult & { readonly top: TopSnapshot },
  files: LayerFiles,
  call: Call,
): NodeState {
  let isPacked = false;
  const pack = async (): Promise<Chain> => {
    const chain = await extendChain(await below.chain(call), [await layer]);
    isPacked = true;
    return chain;
  };
  const packing = pack();
  // Whoever needs the chain learns why there is none; the step itself has reported it.
  packing.catch(() => {});
  return {
    tree: lazyTree(async () => files.tree((await packing).layers, call)),
    identify: async () => (await packing).chainId,
    isLayered: true,
    get pendingStep(): string | undefined {
      return isPacked ? undefined : key;
    },
    chain: () => packing,
    snapshotLayers: async (inner) => [...await below.snapshotLayers(inner), top],
    base: (inner) => below.base(inner),
  };
}

function factsOf({ config, history }: ImageContent): BaseFacts {
  return {
    history,
    ...(config.author === undefined ? {} : { author: config.author }),
    ...(config["os.version"] === undefined ? {} : { "os.version": config["os.version"] }),
    ...(config["os.features"] === undefined ? {} : { "os.features": config["os.features"] }),
  };
}

function fromTree(tree: Tree, createdBy: string, options: NodeStatesOptions): NodeState {
  let packed: Promise<CachedLayer> | undefined;
  const pack = (call: Call): Promise<CachedLayer> => packed ??= packTree(tree, createdBy, options, call);
  const chain = async (call: Call): Promise<Chain> => await extendChain(emptyChain, [await pack(call)]);
  return {
    tree,
    identify: (call): Promise<Digest> => tree.digest(".", {}, call),
    isLayered: false,
    pendingStep: undefined,
    chain,
    snapshotLayers: async (call) => await storedLayers(await chain(call), options.environment.store),
    base: async (call) => ({ history: [{ created: (await pack(call)).created, created_by: createdBy }] }),
  };
}

/** A whole tree as one layer, remembered under its digest. */
async function packTree(
  tree: Tree,
  createdBy: string,
  { environment, platform }: NodeStatesOptions,
  call: Call,
): Promise<CachedLayer> {
  const { store, sourceDateEpoch } = environment;
  const key = await cacheKey({
    platform,
    op: { kind: "tree", args: {} },
    plugin: undefined,
    parent: undefined,
    content: await tree.digest(".", {}, call),
    inputs: undefined,
    settings: undefined,
    sourceDateEpoch,
  });
  const known = await findCached(environment, key, call);
  if (known !== undefined) {
    environment.shared?.note({ key, layer: known, instruction: createdBy });
    return known;
  }
  const { packLayer } = await import("../layer/pack.ts");
  const options = { store, ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }) };
  const { descriptor, diffId, index } = await packLayer(tree.walk(".", {}, call), options, call);
  const layer: ChainLayer & { created: string } = {
    descriptor,
    diffId,
    created: environment.clock().toISOString(),
  };
  const kept = { key, layer, instruction: createdBy };
  environment.shared?.note(kept);
  const changes = [await storeIndex(store, diffId, index, call), ...await rememberLayer(store, kept, call)];
  await store.update(changes, call);
  return layer;
}
