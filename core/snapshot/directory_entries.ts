import type { EntryMeta, LayerEntry } from "../contract/layer.ts";
import { compareNames } from "../layer/path_order.ts";
import { type FileStat, linkKey, mtimeOf } from "../os/file_stat.ts";
import type { Root } from "../os/file_system.ts";
import { readFileFacts } from "./file_facts.ts";

/**
 * A directory of this host that nobody writes to, as entries: itself under the path `top`, then what is below it in bytewise order of
 * the names, with owners, modes, times and extended attributes; a later name of a file is a hard link. Sockets are left out. Throws
 * `UNSUPPORTED` for a name that is not UTF-8, and `OS_FAILED`.
 */
export function* directoryEntries(root: Root, top: string): Generator<LayerEntry> {
  const stat = root.lstat(".");
  if (stat !== undefined) yield* entriesAt(root, { path: ".", stat, top, first: new Map() });
}

interface Place {
  readonly path: string;
  readonly stat: FileStat;
  readonly top: string;
  /** Entry path of the first name of each file that has several. */
  readonly first: Map<string, string>;
}

function* entriesAt(root: Root, place: Place): Generator<LayerEntry> {
  const { path, stat, top, first } = place;
  const meta = metaOf(path === "." ? top : `${top}/${path}`, stat);
  switch (stat.type) {
    case "directory":
      yield { ...meta, ...xattrsOf(root, path), type: "directory" };
      yield* childrenOf(root, place);
      return;
    case "file": {
      const target = stat.links > 1 ? first.get(linkKey(stat)) : undefined;
      if (target !== undefined) yield { ...meta, type: "hardlink", target };
      else {
        if (stat.links > 1) first.set(linkKey(stat), meta.path);
        const { content, xattrs } = readFileFacts(root, path, stat);
        yield { ...meta, ...(xattrs === undefined ? {} : { xattrs }), type: "file", size: stat.size, content };
      }
      return;
    }
    case "symlink":
      yield { ...meta, mode: 0o777, type: "symlink", target: root.readLink(path) };
      return;
    case "fifo":
      yield { ...meta, type: "fifo" };
      return;
    case "char":
    case "block":
      yield { ...meta, type: stat.type, major: stat.major, minor: stat.minor };
      return;
    case "socket":
      return;
  }
}

function* childrenOf(root: Root, { path, top, first }: Place): Generator<LayerEntry> {
  const scan = root.scan(path);
  for (const name of [...scan.names].sort(compareNames)) {
    const index = scan.indexOf(name);
    if (index === undefined) continue;
    yield* entriesAt(root, { path: path === "." ? name : `${path}/${name}`, stat: scan.stat(index), top, first });
  }
}

function metaOf(path: string, stat: FileStat): EntryMeta {
  return { path, mode: stat.mode, uid: stat.uid, gid: stat.gid, mtime: mtimeOf(stat) };
}

function xattrsOf(root: Root, path: string): Pick<EntryMeta, "xattrs"> {
  using directory = root.open(path);
  const xattrs = directory.xattrs();
  return xattrs === undefined ? {} : { xattrs };
}
