import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { ChainLayer } from "./chain.ts";

/** Throws `CONTENT_MISMATCH` when a layer turns out to have another diffID than its image says. */
export function checkDiffId({ descriptor, diffId }: ChainLayer, actual: Digest): void {
  if (actual === diffId) return;
  throw new EngineError("CONTENT_MISMATCH", `Cannot read layer "${descriptor.digest}": its diffID is ${actual}`, {
    detail: { expected: diffId, actual },
    hint: "Remove the image: its config or its layer was made by someone who got it wrong, or on purpose",
  });
}
