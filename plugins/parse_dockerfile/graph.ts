import type { BuildNode, Kit, NodeId } from "../../core/contract/mod.ts";

/** The nodes of a build while they are made. */
export interface GraphBuilder {
  /** Adds a node whose inputs are there already; a node equal to an earlier one, and not a step of its own, is that one. */
  add(node: BuildNode): NodeId;
  /** What a node depends on, itself included, in topological order and numbered anew. */
  prune(result: NodeId): { readonly nodes: readonly BuildNode[]; readonly result: NodeId };
}

/** Starts an empty graph. */
export function createGraph(kit: Kit): GraphBuilder {
  const nodes: BuildNode[] = [];
  const known = new Map<string, NodeId>();

  function add(node: BuildNode): NodeId {
    const key = sharedKey(node, kit);
    const earlier = key === undefined ? undefined : known.get(key);
    if (earlier !== undefined) return earlier;
    const id = nodes.push(node) - 1;
    if (key !== undefined) known.set(key, id);
    return id;
  }

  return { add, prune: (result) => prune(nodes, result) };
}

function sharedKey(node: BuildNode, kit: Kit): string | undefined {
  if (node.type !== "layer") return kit.canonicalJson({ ...node } as never);
  if (node.op.kind !== "fetch") return undefined;
  return kit.canonicalJson({ type: "fetch", args: node.op.args, noCache: node.noCache === true });
}

function prune(
  nodes: readonly BuildNode[],
  result: NodeId,
): { readonly nodes: readonly BuildNode[]; readonly result: NodeId } {
  const wanted = new Set<NodeId>([result]);
  for (let id = result; id >= 0; id--) {
    const node = nodes[id];
    if (node?.type !== "layer" || !wanted.has(id)) continue;
    for (const input of dependencies(node)) wanted.add(input);
  }
  const numbers = new Map<NodeId, NodeId>([...wanted].sort((a, b) => a - b).map((id, i) => [id, i]));
  const renumber = (id: NodeId): NodeId => numbers.get(id) ?? 0;
  const kept: BuildNode[] = [];
  for (const id of numbers.keys()) {
    const node = nodes[id];
    if (node !== undefined) kept.push(node.type === "layer" ? renumberLayer(node, renumber) : node);
  }
  return { nodes: kept, result: renumber(result) };
}

type LayerNode = Extract<BuildNode, { readonly type: "layer" }>;

function dependencies(node: LayerNode): readonly NodeId[] {
  return node.onto === undefined ? node.inputs : [...node.inputs, node.onto];
}

function renumberLayer(node: LayerNode, renumber: (id: NodeId) => NodeId): LayerNode {
  const moved = { ...node, inputs: node.inputs.map(renumber) };
  return node.onto === undefined ? moved : { ...moved, onto: renumber(node.onto) };
}
