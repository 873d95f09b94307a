import type { PeerName } from "./case.ts";
import type { Difference } from "./image_facts.ts";

/** A difference between strata and a peer that stays. */
export interface AcceptedDifference {
  readonly peers: readonly PeerName[];
  /** Names of cases, in each of which it is found with each of the peers; any case when left out. */
  readonly cases?: readonly string[];
  /** Matches the field as a whole. */
  readonly field: RegExp;
  /** What strata gives; anything when left out. */
  readonly strata?: RegExp;
  /** What the peer gives; anything when left out. */
  readonly peer?: RegExp;
  /** Why strata is right, or why it does not matter. */
  readonly reason: string;
}

/** Whether the entry accepts a difference that was found with a peer in a case. */
export function isAccepted(
  { peers, cases, field, strata, peer }: AcceptedDifference,
  found: { readonly peer: PeerName; readonly name: string; readonly difference: Difference },
): boolean {
  return peers.includes(found.peer) && (cases?.includes(found.name) ?? true) &&
    isWhole(field, found.difference.field) && isWhole(strata, found.difference.strata) &&
    isWhole(peer, found.difference.peer);
}

function isWhole(pattern: RegExp | undefined, text: string): boolean {
  return pattern === undefined || new RegExp(`^(?:${pattern.source})$`, "s").test(text);
}
