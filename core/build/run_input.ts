import type { Call } from "../contract/call.ts";
import type { LayerEntry, Tree } from "../contract/layer.ts";
import type { Store } from "../contract/store.ts";
import { appendChainId } from "../oci/chain_id.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { SnapshotLayer } from "../snapshot/snapshotter.ts";
import type { Chain, ChainLayer } from "./chain.ts";

/** A filesystem that a run reads or starts from. */
export interface RunInput {
  readonly tree: Tree;
  /** Whether it is made of layers; a build context is not, until it is asked for its chain. */
  readonly isLayered: boolean;
  chain(call: Call): Promise<Chain>;
  readonly store: Pick<Store, "open">;
}

/** The layers of an input, base first, to be unpacked when they are needed. */
export async function snapshotLayers(
  input: Pick<RunInput, "chain" | "store">,
  call: Call,
): Promise<readonly SnapshotLayer[]> {
  const layers: SnapshotLayer[] = [];
  let chainId: Digest | undefined;
  for (const layer of (await input.chain(call)).layers) {
    chainId = await appendChainId(chainId, layer.diffId);
    layers.push({ diffId: layer.diffId, chainId, entries: (inner) => readLayer(input.store, layer, inner) });
  }
  return layers;
}

async function* readLayer(store: Pick<Store, "open">, layer: ChainLayer, call: Call): AsyncGenerator<LayerEntry> {
  const { unpackLayer } = await import("../layer/unpack.ts");
  yield* unpackLayer(await store.open(layer.descriptor, call), call);
}
