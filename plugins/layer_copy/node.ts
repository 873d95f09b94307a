import type { EntryMeta, FileContent, Kit, LayerContext, LayerEntry } from "../../core/contract/mod.ts";
import { defaultDirectoryMode, type ModeChange } from "./mode.ts";
import type { Owner } from "./owner.ts";

/** What every part of a copy has at hand. */
export interface CopyEnvironment {
  /** Help from core. */
  readonly kit: Kit;
  /** What the step was given. */
  readonly context: LayerContext;
}

/** How what is copied differs from its source. */
export interface Style {
  /** Owner in place of the source's. */
  readonly owner: Owner | undefined;
  /** What happens to permission bits. */
  readonly mode: ModeChange | undefined;
}

/** An entry that stands for itself: no name of another one, nothing that removes. */
export type SolidEntry = Exclude<LayerEntry, { readonly type: "hardlink" | "whiteout" | "opaque" }>;

/** A regular file of an archive, without its bytes: those pass by when the archive is read again. */
export type ArchivedFile = Omit<Extract<LayerEntry, { readonly type: "file" }>, "content">;

/** An archive that can be read from its start, again and again. */
export interface Archive {
  /** The archive as the user named it. */
  readonly shown: string;
  /** Its entries, with names as they are stored. */
  open(): AsyncIterable<LayerEntry>;
}

/** What the layer will hold at a path, from a tree or made here. */
export interface EntryNode {
  /** Tells the two kinds of node apart. */
  readonly from: "entry";
  /** What is there; its path is not the one in the layer. */
  readonly entry: SolidEntry;
  /** How the layer differs from it. */
  readonly style: Style;
  /** Whether the node is at several paths: hard links of one file. */
  isShared: boolean;
}

/** A file that the layer will hold, from an archive. */
export interface ArchiveNode {
  /** Tells the two kinds of node apart. */
  readonly from: "archive";
  /** What is there but for the bytes. */
  readonly entry: ArchivedFile;
  /** How the layer differs from it. */
  readonly style: Style;
  /** Whether the node is at several paths: hard links of one file. */
  isShared: boolean;
  /** Where the bytes are. */
  readonly archive: Archive;
  /** Place of the file among the archive's entries, from 0. */
  readonly ordinal: number;
}

/** What the layer will hold at a path. */
export type Node = EntryNode | ArchiveNode;

/** Style of what is taken as it is. */
export const unchanged: Style = { owner: undefined, mode: undefined };

/** Stops a step that was canceled. Throws `CANCELED`. */
export function checkSignal({ kit, context }: CopyEnvironment): void {
  if (!context.signal.aborted) return;
  throw kit.error("CANCELED", "Cannot copy: the build was canceled", { cause: context.signal.reason });
}

/**
 * A directory that no source has: on the way to the destination, or missing in an archive. Its time is the build's
 * fixed one.
 */
export function madeDirectory(path: string, style: Style, context: LayerContext): EntryNode {
  const { uid, gid } = style.owner ?? { uid: 0, gid: 0 };
  const mode = style.mode?.made ?? defaultDirectoryMode;
  const mtime = context.sourceDateEpoch ?? 0;
  return {
    from: "entry",
    entry: { type: "directory", path, mode, uid, gid, mtime },
    style: unchanged,
    isShared: false,
  };
}

/** The layer entry of a node at a path. The bytes of a file are touched here for the first time. */
export function entryOf(path: string, node: EntryNode): LayerEntry {
  const { entry } = node;
  const meta = metaOf(path, node);
  switch (entry.type) {
    case "file":
      return { type: "file", ...meta, size: entry.size, content: entry.content };
    case "symlink":
      return { type: "symlink", ...meta, target: entry.target };
    case "char":
    case "block":
      return { type: entry.type, ...meta, major: entry.major, minor: entry.minor };
    default:
      return { type: entry.type, ...meta };
  }
}

/** The layer entry of an archive's file at a path. */
export function archivedEntryOf(path: string, node: ArchiveNode, content: FileContent): LayerEntry {
  return { type: "file", ...metaOf(path, node), size: node.entry.size, content };
}

/** One more name, at `path`, of a file that the layer already holds at `target`. */
export function linkOf(path: string, target: string, node: Node): LayerEntry {
  return { type: "hardlink", ...metaOf(path, node), target };
}

function metaOf(path: string, { entry, style }: Node): EntryMeta {
  const { uid, gid } = style.owner ?? entry;
  // A link has no permission bits of its own; file systems show all of them, so do layers.
  const mode = entry.type === "symlink"
    ? 0o777
    : style.mode?.apply(entry.mode, entry.type === "directory") ?? entry.mode;
  const meta = { path, mode, uid, gid, mtime: entry.mtime };
  return entry.xattrs === undefined ? meta : { ...meta, xattrs: entry.xattrs };
}
