import type { Root, SnapshotWriter } from "../os/file_system.ts";

/** The upper directory of an overlay that is not mounted any more, and what lay below it. */
export interface Upper {
  readonly upper: Root;
  readonly writer: SnapshotWriter;
  /** What the lower directories make together; undefined when there are none. */
  readonly lower: Root | undefined;
  readonly isUserNamespace: boolean;
  /** Times newer than this are set to it; seconds since the Unix epoch. */
  readonly sourceDateEpoch: number | undefined;
}
