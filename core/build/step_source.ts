import type { Call } from "../contract/call.ts";
import type { Tree } from "../contract/layer.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { SnapshotLayer } from "../snapshot/snapshotter.ts";
import type { Chain } from "./chain.ts";

/** A filesystem that a step reads. */
export interface StepSource {
  readonly tree: Tree;
  /** What tells it from every other one; undefined for an empty one. */
  identify(call: Call): Promise<Digest | undefined>;
  /** Whether it is made of layers, or of files that `chain` would make a layer of first. */
  readonly isLayered: boolean;
  /** Its layers. */
  chain(call: Call): Promise<Chain>;
  /** Its layers as a command can run on them, which may be sooner than they are packed. */
  snapshotLayers(call: Call): Promise<readonly SnapshotLayer[]>;
  /** Key of the step whose layer is still being packed, so that `identify` has to wait; undefined when it need not. */
  readonly pendingStep: string | undefined;
}
