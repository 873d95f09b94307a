import type { Call } from "../contract/call.ts";
import type { EntryMeta, LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { compareNames } from "../layer/path_order.ts";
import { type FileStat, isUnchanged, linkKey, mtimeOf } from "../os/file_stat.ts";
import { openRoot, openSnapshotWriter, type Root, type Xattrs } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { applyLayer } from "./apply.ts";
import { isSameMeta, isSameXattrs, readFileFacts } from "./file_facts.ts";
import type { OpenLayout } from "./layout.ts";
import { explainDisk } from "./disk_error.ts";
import { attempt } from "./mount_place.ts";
import { linkedFiles } from "./link_groups.ts";
import { flatMarking } from "./marking.ts";
import { makeRunDirectory } from "./run_directory.ts";
import { scanChanged } from "./scan_changed.ts";
import type { SnapshotLayer, Snapshotter, Workspace } from "./snapshotter.ts";

/**
 * A snapshotter for where no overlay can be mounted: each workspace holds a copy of all files, and what changed is found by looking at all of
 * them. Needs no privilege but that of setting owners.
 */
export function createCopySnapshotter(
  { layout, close }: { readonly layout: OpenLayout; readonly close: () => void },
): Snapshotter {
  const prepare = async (layers: readonly SnapshotLayer[], call: Call): Promise<Workspace> => {
    await using stack = new AsyncDisposableStack();
    const run = stack.use(makeRunDirectory(layout, call.signal));
    const rootfs = `${run.path}/rootfs`;
    attempt("make directory", rootfs, () => Deno.mkdirSync(rootfs));
    await unpack(layers, rootfs, call).catch((error) => {
      throw explainDisk(error, "unpack layers", layout.runs);
    });
    const before = readBefore(rootfs);
    const held = stack.move();
    return {
      rootfs,
      directory: run.path,
      finish: () => ({ entries: (inner) => readCopyChanges(rootfs, before, inner), top: undefined, commit: () => {} }),
      [Symbol.asyncDispose]: () => held.disposeAsync(),
    };
  };
  return {
    kind: "copy",
    prepare,
    view: prepare,
    [Symbol.asyncDispose]: () => Promise.resolve(close()),
  };
}

async function unpack(layers: readonly SnapshotLayer[], directory: string, call: Call): Promise<void> {
  using writer = openSnapshotWriter(directory);
  using own = openRoot(directory);
  writer.setAttributes(".", { mode: 0o755, owner: { uid: 0, gid: 0 }, mtime: 0 });
  for (const layer of layers) {
    if ("path" in layer) throw new EngineError("INTERNAL", "Cannot copy a state that is no layer yet");
    const target = { writer, own, marking: flatMarking(writer, own), lower: () => undefined };
    await applyLayer(layer.entries(call), target, call);
  }
}

/** What all files were like. */
interface Before {
  /** States by path. */
  readonly stats: ReadonlyMap<string, FileStat>;
  /** Extended attributes of the directories that had some. */
  readonly xattrs: ReadonlyMap<string, Xattrs>;
}

function readBefore(directory: string): Before {
  using root = openRoot(directory);
  const stats = new Map<string, FileStat>();
  const xattrs = new Map<string, Xattrs>();
  const read = (path: string): void => {
    const scan = root.scan(path);
    if (scan.xattrs !== undefined) xattrs.set(path, scan.xattrs);
    for (const [index, name] of scan.names.entries()) {
      const child = path === "." ? name : `${path}/${name}`;
      stats.set(child, scan.stat(index));
      if (scan.type(index) === "directory") read(child);
    }
  };
  read(".");
  return { stats, xattrs };
}

/** What differs from the states before, as entries of a layer: sorted, with explicit whiteouts. */
async function* readCopyChanges(directory: string, before: Before, call: Call): AsyncGenerator<LayerEntry> {
  using root = openRoot(directory);
  const childrenBefore = new Map<string, string[]>();
  for (const path of before.stats.keys()) {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "." : path.slice(0, slash);
    const names = childrenBefore.get(parent) ?? [];
    childrenBefore.set(parent, names);
    names.push(path.slice(slash + 1));
  }
  const walk = new CopyWalk(root, before, childrenBefore);
  for (const entry of walk.directory(".")) {
    throwIfAborted(call.signal);
    yield entry;
  }
}

class CopyWalk {
  readonly #root: Root;
  readonly #before: Before;
  readonly #childrenBefore: ReadonlyMap<string, readonly string[]>;
  readonly #first = new Map<string, string>();
  /** Files of which some name is new or changed: all their names have to come along, or they would be apart. */
  readonly #changedLinks = new Set<string>();

  constructor(root: Root, before: Before, childrenBefore: ReadonlyMap<string, readonly string[]>) {
    this.#root = root;
    this.#before = before;
    this.#childrenBefore = childrenBefore;
    for (const { path, stat } of linkedFiles({ scan: (path) => scanChanged(root, path) }, ".")) {
      const known = before.stats.get(path);
      if (known === undefined || !isUnchanged(known, stat)) this.#changedLinks.add(linkKey(stat));
    }
  }

  *directory(path: string): Generator<LayerEntry> {
    const scan = scanChanged(this.#root, path);
    const wasDirectory = path === "." || this.#before.stats.get(path)?.type === "directory";
    const gone = wasDirectory ? this.#childrenBefore.get(path) ?? [] : [];
    for (const name of [...new Set([...scan.names, ...gone])].sort(compareNames)) {
      const child = path === "." ? name : `${path}/${name}`;
      const index = scan.indexOf(name);
      if (index === undefined) yield { type: "whiteout", path: child };
      else yield* this.#child(child, scan.stat(index), this.#before.stats.get(child));
    }
  }

  *#child(path: string, stat: FileStat, before: FileStat | undefined): Generator<LayerEntry> {
    const isSame = before !== undefined && isUnchanged(before, stat);
    if (stat.type !== "directory") {
      if (isSame && !(stat.links > 1 && this.#changedLinks.has(linkKey(stat)))) return;
      if (stat.type !== "socket") yield this.#entry(path, stat);
      else if (before !== undefined) yield { type: "whiteout", path };
      return;
    }
    const inner = this.directory(path);
    const first = inner.next();
    if (first.done && (isSame || (before !== undefined && isSameMeta(before, stat) && this.#hasSameXattrs(path)))) {
      return;
    }
    yield { ...this.#meta(path, stat), type: "directory" };
    if (!first.done) yield first.value;
    yield* inner;
  }

  #entry(path: string, stat: FileStat): LayerEntry {
    const first = stat.links > 1 ? this.#first.get(linkKey(stat)) : undefined;
    if (first !== undefined) return { ...this.#meta(path, stat), type: "hardlink", target: first };
    if (stat.links > 1) this.#first.set(linkKey(stat), path);
    switch (stat.type) {
      case "symlink":
        return { ...this.#meta(path, stat), mode: 0o777, type: "symlink", target: this.#root.readLink(path) };
      case "char":
      case "block":
        return { ...this.#meta(path, stat), type: stat.type, major: stat.major, minor: stat.minor };
      case "fifo":
        return { ...this.#meta(path, stat), type: "fifo" };
      default:
        return this.#file(path, stat);
    }
  }

  #file(path: string, stat: FileStat): LayerEntry {
    const { content, xattrs } = readFileFacts(this.#root, path, stat);
    const meta = this.#meta(path, stat);
    return { ...meta, ...(xattrs === undefined ? undefined : { xattrs }), type: "file", size: stat.size, content };
  }

  #meta(path: string, stat: FileStat): EntryMeta {
    const { mode, uid, gid } = stat;
    const meta = { path, mode, uid, gid, mtime: mtimeOf(stat) };
    if (stat.type !== "directory") return meta;
    using directory = this.#root.open(path);
    const xattrs = directory.xattrs();
    return xattrs === undefined ? meta : { ...meta, xattrs };
  }

  #hasSameXattrs(path: string): boolean {
    using directory = this.#root.open(path);
    return isSameXattrs(directory.xattrs(), this.#before.xattrs.get(path));
  }
}
