import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import type { Store } from "../contract/store.ts";
import { appendChainId } from "../oci/chain_id.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { StoredLayer } from "../snapshot/snapshotter.ts";
import type { Chain, ChainLayer } from "./chain.ts";
import { checkDiffId } from "./check_diff_id.ts";

/** The layers of a chain, base first, to be unpacked when they are needed. Unpacking one rejects `CONTENT_MISMATCH` at its end when its diffID is another. */
export async function storedLayers(chain: Chain, store: Pick<Store, "open">): Promise<readonly StoredLayer[]> {
  const layers: StoredLayer[] = [];
  let chainId: Digest | undefined;
  for (const layer of chain.layers) {
    chainId = await appendChainId(chainId, layer.diffId);
    layers.push({ diffId: layer.diffId, chainId, entries: (call) => readLayer(store, layer, call) });
  }
  return layers;
}

async function* readLayer(
  store: Pick<Store, "open">,
  layer: ChainLayer,
  call: Call,
): AsyncGenerator<readonly LayerEntry[]> {
  const { unpackLayer } = await import("../layer/unpack.ts");
  checkDiffId(layer, yield* unpackLayer(await store.open(layer.descriptor, call), call));
}
