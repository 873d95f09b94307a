import type { Digest } from "./descriptor.ts";
import { sha256 } from "./digest.ts";

/**
 * ChainID of layers given base first: the first diffID, then sha256 of `parent + " " + diffID` for each one after it
 * (image-spec, config.md, "Layer ChainID"). Undefined for no layers.
 */
export async function chainId(diffIds: readonly Digest[]): Promise<Digest | undefined> {
  let chain: Digest | undefined;
  for (const diffId of diffIds) chain = await appendChainId(chain, diffId);
  return chain;
}

/** ChainID of a layer on top of a chain; `parent` is undefined for the first layer. */
export function appendChainId(parent: Digest | undefined, diffId: Digest): Promise<Digest> {
  return parent === undefined ? Promise.resolve(diffId) : sha256(`${parent} ${diffId}`);
}
