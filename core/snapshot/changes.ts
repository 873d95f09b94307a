import type { Call } from "../contract/call.ts";
import type { EntryMeta, LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { compareNames } from "../layer/path_order.ts";
import { type FileStat, linkKey, mtimeOf } from "../os/file_stat.ts";
import type { Root, Xattrs } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { isSameFileContent, isSameMeta, isSameXattrs, readFileFacts } from "./file_facts.ts";
import { findLinkGroups, type LinkGroups } from "./link_groups.ts";
import { opaqueName } from "./marking.ts";
import type { Upper } from "./upper.ts";

/** What an upper directory changes; files without their content, which is read later. */
export type Change = LayerEntry | {
  readonly type: "unread";
  readonly path: string;
  readonly stat: FileStat;
};

/**
 * What an upper directory changes, sorted and with explicit whiteouts. Files that were copied up but are as they were are left out. The
 * directory is brought to the state that unpacking the layer would give: what is left out is removed, opaque directories get
 * whiteouts, times lose their fractions; from then on it may serve as a lower one. When one name of a file of the lower
 * directories was written to, its other names come along as hard links. Throws `UNSUPPORTED` for names that are not UTF-8,
 * `OS_FAILED` and `CANCELED`.
 */
export function findChanges(upper: Upper, call: Call): readonly Change[] {
  const walk = new Walk(upper, findLinkGroups(upper));
  const changes: Change[] = [];
  for (const change of walk.directory(".", false)) {
    throwIfAborted(call.signal);
    changes.push(change);
  }
  return changes;
}

/** The changes as entries of a layer, with the content that the directory has. Rejects `OS_FAILED` and `CANCELED`. */
export async function* readChanges(root: Root, changes: readonly Change[], call: Call): AsyncGenerator<LayerEntry> {
  for (const change of changes) {
    throwIfAborted(call.signal);
    if (change.type !== "unread") yield change;
    else {
      const { path, stat } = change;
      const { content, xattrs } = readFileFacts(root, path, stat);
      yield { ...metaOf(path, stat, xattrs), type: "file", size: stat.size, content };
    }
  }
}

class Walk {
  readonly #upper: Upper;
  readonly #links: LinkGroups;
  readonly #first = new Map<string, string>();
  readonly #attributes: { readonly opaque: string; readonly redirect: string };

  constructor(upper: Upper, links: LinkGroups) {
    this.#upper = upper;
    this.#links = links;
    const opaque = opaqueName(upper.isUserNamespace);
    this.#attributes = { opaque, redirect: opaque.replace(/opaque$/, "redirect") };
  }

  /** What is in a directory; `isHidden` when nothing shows of what the lower directories have there. */
  *directory(path: string, isHidden: boolean): Generator<Change> {
    const scan = this.#upper.upper.scan(path);
    const hidden = isHidden ? this.#lowerNames(path) : [];
    const names = [...new Set([...scan.names, ...hidden])].sort(compareNames);
    for (const name of names) {
      const child = path === "." ? name : `${path}/${name}`;
      const index = scan.indexOf(name);
      if (index !== undefined) yield* this.#child(child, scan.stat(index), isHidden);
      else {
        this.#upper.writer.makeNode(child, { type: "char", major: 0, minor: 0 });
        yield { type: "whiteout", path: child };
      }
    }
  }

  *#child(path: string, stat: FileStat, isHidden: boolean): Generator<Change> {
    const below = this.#upper.lower?.lstat(path);
    if (isWhiteout(stat)) {
      if (below === undefined) this.#upper.writer.unlink(path);
      else yield { type: "whiteout", path };
    } else if (stat.type === "directory") yield* this.#folder(path, { stat, below, isHidden });
    else if (stat.type === "socket") this.#upper.writer.unlink(path);
    else if (stat.type === "file") yield* this.#file(path, stat, below);
    else if (below !== undefined && isSameMeta(stat, below) && this.#hasSameTarget(path, stat)) {
      this.#upper.writer.unlink(path);
    } else yield this.#special(path, stat);
  }

  *#folder(
    path: string,
    { stat, below, isHidden }: {
      readonly stat: FileStat;
      readonly below: FileStat | undefined;
      readonly isHidden: boolean;
    },
  ): Generator<Change> {
    const { upper, writer, lower } = this.#upper;
    const isOpaque = this.#takeOpaque(path);
    const continues = below?.type === "directory";
    const xattrs = xattrsOf(upper, path);
    const isSame = continues && isSameMeta(stat, below) && isSameXattrs(xattrs, lower && xattrsOf(lower, path));
    const inner = this.directory(path, continues && (isOpaque || isHidden));
    const first = inner.next();
    if (first.done && isSame) return writer.removeAll(path);
    yield { ...metaOf(path, stat, xattrs), type: "directory" };
    if (!first.done) yield first.value;
    yield* inner;
    writer.setTime(path, this.#timeOf(stat));
  }

  *#file(path: string, stat: FileStat, below: FileStat | undefined): Generator<Change> {
    const { upper, writer, lower } = this.#upper;
    const group = stat.links > 1 ? this.#links.get(linkKey(stat)) : undefined;
    const first = group === undefined ? undefined : this.#first.get(linkKey(stat));
    if (group?.isUnchanged === true) return writer.unlink(path);
    if (first !== undefined) {
      yield { ...metaOf(path, stat, undefined), type: "hardlink", target: first };
      return;
    }
    const isAlone = group === undefined || group.paths.length === 1;
    if (isAlone && lower !== undefined && isSameFileContent(lower, { path, stat, below, upper })) {
      return writer.unlink(path);
    }
    if (!isAlone) this.#first.set(linkKey(stat), path);
    yield { type: "unread", path, stat };
    this.#fixTime(path, stat);
  }

  #special(path: string, stat: FileStat): LayerEntry {
    const meta = metaOf(path, stat, undefined);
    this.#fixTime(path, stat);
    switch (stat.type) {
      case "symlink":
        return { ...meta, mode: 0o777, type: "symlink", target: this.#upper.upper.readLink(path) };
      case "char":
      case "block":
        return { ...meta, type: stat.type, major: stat.major, minor: stat.minor };
      default:
        return { ...meta, type: "fifo" };
    }
  }

  #hasSameTarget(path: string, stat: FileStat): boolean {
    const { upper, lower } = this.#upper;
    return stat.type !== "symlink" || lower?.readLink(path) === upper.readLink(path);
  }

  /** Whether a directory is opaque; takes the mark away, because its whiteouts are written out. */
  #takeOpaque(path: string): boolean {
    const { writer } = this.#upper;
    if (writer.xattr(path, this.#attributes.redirect) !== undefined) throw redirected(path);
    const value = writer.xattr(path, this.#attributes.opaque);
    if (value === undefined) return false;
    writer.removeXattr(path, this.#attributes.opaque);
    return value.length === 1 && value[0] === 0x79;
  }

  #lowerNames(path: string): readonly string[] {
    const { lower } = this.#upper;
    return lower?.lstat(path)?.type === "directory" ? lower.scan(path).names : [];
  }

  /** The time that unpacking the layer gives a file: whole seconds, no later than SOURCE_DATE_EPOCH. */
  #timeOf(stat: FileStat): { readonly mtimeSeconds: number; readonly mtimeNanos: number } {
    return { mtimeSeconds: Math.min(stat.mtimeSeconds, this.#upper.sourceDateEpoch ?? Infinity), mtimeNanos: 0 };
  }

  #fixTime(path: string, stat: FileStat): void {
    const time = this.#timeOf(stat);
    if (stat.mtimeNanos !== 0 || stat.mtimeSeconds !== time.mtimeSeconds) this.#upper.writer.setTime(path, time);
  }
}

/** Whether a file is what the overlay file system puts in the place of one that is gone. */
export function isWhiteout(stat: FileStat): boolean {
  return stat.type === "char" && stat.major === 0 && stat.minor === 0;
}

function metaOf(path: string, stat: FileStat, xattrs: Xattrs | undefined): EntryMeta {
  const { mode, uid, gid } = stat;
  return { path, mode, uid, gid, mtime: mtimeOf(stat), ...(xattrs === undefined ? undefined : { xattrs }) };
}

function xattrsOf(root: Root, path: string): Xattrs | undefined {
  using directory = root.open(path);
  return directory.xattrs();
}

function redirected(path: string): EngineError {
  return new EngineError("OS_FAILED", `Cannot read what changed in "${path}": the directory was moved by a redirect`, {
    detail: { path, syscall: "rename" },
  });
}
