import { appendChainId } from "../oci/chain_id.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";

/** One layer of a filesystem state. */
export interface ChainLayer {
  /** The layer as stored, compressed or not. */
  readonly descriptor: Descriptor;
  /** Digest of its uncompressed tar. */
  readonly diffId: Digest;
  /** When it was first built, RFC 3339; undefined for a layer of a base image. */
  readonly created?: string;
}

/** A filesystem state made of layers, base first. */
export interface Chain {
  readonly layers: readonly ChainLayer[];
  /** ChainID of the layers; undefined when there are none. */
  readonly chainId: Digest | undefined;
}

/** The state without any layer. */
export const emptyChain: Chain = { layers: [], chainId: undefined };

/** The state that more layers give, put on top in order. */
export async function extendChain(chain: Chain, layers: readonly ChainLayer[]): Promise<Chain> {
  let chainId = chain.chainId;
  for (const layer of layers) chainId = await appendChainId(chainId, layer.diffId);
  return { layers: [...chain.layers, ...layers], chainId };
}
