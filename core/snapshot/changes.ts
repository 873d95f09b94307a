import type { Call } from "../contract/call.ts";
import type { EntryMeta, LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { compareNames } from "../layer/path_order.ts";
import { type FileStat, linkKey, mtimeOf } from "../os/file_stat.ts";
import type { Root, Scan, Xattrs } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { isSameFile, isSameMeta, isSameXattrs, readFileFacts } from "./file_facts.ts";
import { findLinkGroups, type LinkGroups, type Scans } from "./link_groups.ts";
import { isWhiteout, makeWhiteout, opaqueName } from "./marking.ts";
import { scanChanged } from "./scan_changed.ts";
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
  const walk = new Walk(upper, call.signal);
  walk.directory(".", { isHidden: false, hasLower: upper.lower !== undefined });
  return walk.changes;
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

/** What the lower directories have where a directory is. */
interface Below {
  /** Whether nothing shows of what they have there. */
  readonly isHidden: boolean;
  /** Whether they have a directory there. */
  readonly hasLower: boolean;
}

class Walk {
  readonly changes: Change[] = [];
  readonly #upper: Upper;
  readonly #signal: AbortSignal;
  readonly #links: LinkGroups;
  /** Of all directories, as they were before anything was done about them. */
  readonly #scans: Scans;
  readonly #first = new Map<string, string>();
  readonly #opaque: string;
  readonly #redirect: string;

  constructor(upper: Upper, signal: AbortSignal) {
    this.#upper = upper;
    this.#signal = signal;
    this.#scans = rememberScans(upper.upper);
    this.#links = findLinkGroups(upper, this.#scans);
    this.#opaque = opaqueName(upper.isUserNamespace);
    this.#redirect = this.#opaque.replace(/opaque$/, "redirect");
  }

  directory(path: string, below: Below): void {
    this.#contents(path, this.#scans.scan(path), below);
  }

  #contents(path: string, scan: Scan, { isHidden, hasLower }: Below): void {
    throwIfAborted(this.#signal);
    const { lower, writer } = this.#upper;
    const hidden = isHidden && hasLower ? lower?.scan(path).names ?? [] : [];
    const names = hidden.length === 0 ? [...scan.names] : [...new Set([...scan.names, ...hidden])];
    for (const name of names.sort(compareNames)) {
      const child = path === "." ? name : `${path}/${name}`;
      const index = scan.indexOf(name);
      if (index !== undefined) {
        const below = hasLower ? lower?.lstatNear(child) : undefined;
        this.#child(child, { stat: scan.stat(index), below, isHidden });
      } else {
        makeWhiteout(writer, child);
        this.changes.push({ type: "whiteout", path: child });
      }
    }
  }

  #child(path: string, child: Child): void {
    const { stat, below } = child;
    if (stat.type === "directory") return this.#folder(path, child);
    if (isWhiteout(stat) || stat.type === "socket") return this.#absent(path, child);
    const key = stat.links > 1 ? linkKey(stat) : undefined;
    const group = key === undefined ? undefined : this.#links.get(key);
    if (group?.isUnchanged === true) return this.#upper.writer.unlink(path);
    if (group !== undefined && key !== undefined && group.paths.length > 1) {
      const first = this.#first.get(key);
      if (first !== undefined) {
        this.changes.push({ ...metaOf(path, stat, undefined), type: "hardlink", target: first });
        return;
      }
      this.#first.set(key, path);
    } else if (below !== undefined && !isCutOff(stat, below) && this.#isAsBelow(path, stat, below)) {
      return this.#upper.writer.unlink(path);
    }
    this.changes.push(stat.type === "file" ? { type: "unread", path, stat } : this.#special(path, stat));
    this.#fixTime(path, stat);
  }

  /** Nothing is there: a whiteout, or a socket, which no layer can hold. */
  #absent(path: string, { stat, below }: Child): void {
    const isMark = isWhiteout(stat);
    if (below === undefined || !isMark) this.#upper.writer.unlink(path);
    if (below === undefined) return;
    if (!isMark) makeWhiteout(this.#upper.writer, path);
    this.changes.push({ type: "whiteout", path });
  }

  #folder(path: string, { stat, below, isHidden }: Child): void {
    const { writer, lower } = this.#upper;
    const scan = this.#scans.scan(path);
    const isOpaque = this.#takeOpaque(path, scan);
    const hasLower = below?.type === "directory";
    const at = this.changes.push({ ...metaOf(path, stat, scan.xattrs), type: "directory" });
    this.#contents(path, scan, { isHidden: hasLower && (isOpaque || isHidden), hasLower });
    const isSame = this.changes.length === at && hasLower && isSameMeta(stat, below) && lower !== undefined &&
      isSameXattrs(scan.xattrs, xattrsOf(lower, path));
    if (!isSame) return writer.setTime(path, this.#timeOf(stat));
    this.changes.pop();
    writer.removeAll(path);
  }

  #isAsBelow(path: string, stat: FileStat, below: FileStat): boolean {
    const { upper, lower } = this.#upper;
    return lower !== undefined && isSameFile({ root: upper, path, stat }, { root: lower, path, stat: below });
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

  /** Whether a directory is opaque; takes the mark away, because its whiteouts are written out. */
  #takeOpaque(path: string, { otherXattrs }: Scan): boolean {
    if (otherXattrs.includes(this.#redirect)) throw redirected(path);
    if (!otherXattrs.includes(this.#opaque)) return false;
    const { writer } = this.#upper;
    const value = writer.xattr(path, this.#opaque);
    writer.removeXattr(path, this.#opaque);
    return value?.length === 1 && value[0] === 0x79;
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

function rememberScans(upper: Root): Scans {
  const known = new Map<string, Scan>();
  return {
    scan(path): Scan {
      const scan = known.get(path) ?? scanChanged(upper, path);
      known.set(path, scan);
      return scan;
    },
  };
}

/** A name of an upper directory. */
interface Child {
  readonly stat: FileStat;
  /** What the lower directories have at its path. */
  readonly below: FileStat | undefined;
  /** Whether nothing shows of what they have there. */
  readonly isHidden: boolean;
}

/** Whether a file has one name, where the lower directories have one with several: writing to those must not reach it any more. */
function isCutOff(stat: FileStat, below: FileStat): boolean {
  return stat.links === 1 && below.type !== "directory" && below.links > 1;
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
