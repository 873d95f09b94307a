import type { FileStat, Root, SnapshotWriter } from "../os/file_system.ts";

/** The names that one file has in an upper directory. */
export interface LinkGroup {
  /** Paths, in the order of the walk. */
  readonly paths: string[];
  readonly stat: FileStat;
  /** Inode number that the overlay shows for the file: that of the lower file it was copied up from, when all names of it followed. */
  readonly shown: string;
  /** Whether the lower directories have the same file under all of these names. */
  isUnchanged: boolean;
}

/** Groups by the key of their file. */
export type LinkGroups = ReadonlyMap<string, LinkGroup>;

/** The upper directory of an overlay that is not mounted any more, and what lay below it. */
export interface Upper {
  readonly upper: Root;
  readonly writer: SnapshotWriter;
  /** What the lower directories make together; undefined when there are none. */
  readonly lower: Root | undefined;
  /** Files of several names, as they were found while the overlay was mounted. */
  readonly links: LinkGroups;
  readonly isUserNamespace: boolean;
  /** Times newer than this are set to it; seconds since the Unix epoch. */
  readonly sourceDateEpoch: number | undefined;
}
