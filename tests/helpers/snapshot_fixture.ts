import type { LayerEntry, Tree } from "../../core/contract/layer.ts";
import { indexLayer } from "../../core/layer/index_layer.ts";
import { createMergedTree, type TreeLayer } from "../../core/layer/merged_tree.ts";
import { unpackLayer } from "../../core/layer/unpack.ts";
import { writeMark } from "../../core/layer/whiteout.ts";
import { appendChainId } from "../../core/oci/chain_id.ts";
import type { Digest } from "../../core/oci/descriptor.ts";
import { linkKey } from "../../core/os/file_stat.ts";
import { type FileStat, isImageXattr, openRoot, type Root } from "../../core/os/file_system.ts";
import { openSnapshotter } from "../../core/snapshot/open_snapshotter.ts";
import type { Snapshotter, SnapshotterKind, StoredLayer } from "../../core/snapshot/snapshotter.ts";
import { streamOf } from "../../core/stream/byte_stream.ts";
import { collect } from "../../core/stream/collect.ts";
import { createHasher, hashBytes } from "../../core/stream/hash_stream.ts";
import { writeTar } from "../../core/tar/write.ts";
import { createTestCall } from "./build_fixture.ts";
import { each } from "./layer_parts.ts";

const call = createTestCall();
const maxShownBytes = 200;

/** A layer in memory: its tar, and what is in it. */
export interface TestLayer extends TreeLayer {
  readonly tar: Uint8Array<ArrayBuffer>;
}

/** The layer whose tar has these entries in this order, whether or not a layer should be so. */
export async function rawLayer(...entries: readonly LayerEntry[]): Promise<TestLayer> {
  const members = entries.map((entry) =>
    entry.type === "whiteout" || entry.type === "opaque" ? writeMark(entry) : entry
  );
  return await tarLayer(await collect(writeTar(each(members), call), 1 << 28));
}

/** The layer of a tar. */
export async function tarLayer(tar: Uint8Array<ArrayBuffer>): Promise<TestLayer> {
  const hasher = createHasher();
  hasher.update(tar);
  const descriptor = { mediaType: "application/octet-stream", digest: hasher.digest(), size: tar.length };
  return { descriptor, tar, ...await indexLayer(streamOf(tar), descriptor, call) };
}

/** The tree over layers, from their tables of contents. */
export function treeOfLayers(layers: readonly TestLayer[]): Tree {
  const tars = new Map(layers.map(({ descriptor, tar }) => [descriptor.digest, tar]));
  return createMergedTree(
    layers,
    (descriptor, offset = 0) =>
      Promise.resolve(streamOf((tars.get(descriptor.digest) ?? new Uint8Array(0)).subarray(offset))),
  );
}

/** The layers as a snapshotter takes them. */
export async function storedLayers(layers: readonly TestLayer[]): Promise<readonly StoredLayer[]> {
  const stored: StoredLayer[] = [];
  let chainId: Digest | undefined;
  for (const { diffId, tar } of layers) {
    chainId = await appendChainId(chainId, diffId);
    stored.push({ diffId, chainId, entries: (inner) => unpackLayer(streamOf(tar), inner) });
  }
  return stored;
}

/** A snapshotter on a directory of its own, which goes with it. */
export interface TestSnapshotter extends AsyncDisposable {
  readonly snapshotter: Snapshotter;
  readonly root: string;
}

/** Opens a snapshotter. */
export async function openTestSnapshotter(kind: SnapshotterKind): Promise<TestSnapshotter> {
  const root = await Deno.makeTempDir({ prefix: "strata-test-" });
  const snapshotter = await openSnapshotter({ root, kind });
  return {
    snapshotter,
    root,
    async [Symbol.asyncDispose](): Promise<void> {
      await snapshotter[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** What layers make when a snapshotter of a kind unpacks them, as lines. */
export async function showUnpacked(kind: SnapshotterKind, layers: readonly TestLayer[]): Promise<string[]> {
  await using test = await openTestSnapshotter(kind);
  await using view = await test.snapshotter.view(await storedLayers(layers), call);
  return showDirectory(view.rootfs);
}

/** A directory as lines: kind, path, mode, owner, time in whole seconds, content or target, extended attributes of images. */
export function showDirectory(directory: string): string[] {
  using root = openRoot(directory);
  const lines: string[] = [];
  const first = new Map<string, string>();
  const show = (path: string): void => {
    const scan = root.scan(path);
    const stats = new Map(scan.names.map((name, index) => [name, scan.stat(index)]));
    for (const name of [...scan.names].sort()) {
      const child = path === "." ? name : `${path}/${name}`;
      const stat = stats.get(name);
      if (stat === undefined) continue;
      lines.push(showFile(root, child, { stat, first }));
      if (stat.type === "directory") show(child);
    }
  };
  show(".");
  return lines;
}

function showFile(
  root: Root,
  path: string,
  { stat, first }: { readonly stat: FileStat; readonly first: Map<string, string> },
): string {
  const { type, mode, uid, gid, mtimeSeconds, major, minor } = stat;
  const linked = type !== "directory" && stat.links > 1 ? first.get(linkKey(stat)) : undefined;
  if (linked !== undefined) return `link ${path} = ${linked}`;
  if (type !== "directory") first.set(linkKey(stat), path);
  const meta = [mode, uid, gid, mtimeSeconds];
  if (type === "symlink") return line({ type, path, meta, fact: `-> ${root.readLink(path)}` });
  if (type === "char" || type === "block") return line({ type, path, meta, fact: `${major}:${minor}` });
  if (type === "fifo" || type === "socket") return line({ type, path, meta });
  using file = root.open(path);
  const xattrs = file.xattrs();
  if (type === "directory") return line({ type, path, meta, xattrs });
  return line({ type, path, meta, fact: contentFact(readAll(root, path, stat.size)), xattrs });
}

function readAll(root: Root, path: string, size: number): Uint8Array {
  using file = root.open(path);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const length = file.read(bytes.subarray(at));
    if (length === 0) break;
    at += length;
  }
  return bytes;
}

/** A tree as lines, as {@linkcode showDirectory} has them. */
export async function showTree(tree: Tree): Promise<string[]> {
  const entries: LayerEntry[] = [];
  for await (const entry of tree.walk(".", {}, call)) entries.push(entry);
  const lines: string[] = [];
  for (const entry of entries) lines.push(await showEntry(tree, entry));
  return lines.sort((a, b) => order(a, b));
}

async function showEntry(tree: Tree, entry: LayerEntry): Promise<string> {
  const { type, path } = entry;
  if (type === "whiteout" || type === "opaque") return `${type} ${path}`;
  if (type === "hardlink") return `link ${path} = ${entry.target}`;
  const meta = [type === "symlink" ? 0o777 : entry.mode, entry.uid, entry.gid, Math.floor(entry.mtime)];
  const xattrs = Object.fromEntries(Object.entries(entry.xattrs ?? {}).filter(([name]) => isImageXattr(name)));
  switch (type) {
    case "symlink":
      return line({ type, path, meta, fact: `-> ${entry.target}` });
    case "char":
    case "block":
      return line({ type, path, meta, fact: `${entry.major}:${entry.minor}` });
    case "file":
      return line({ type, path, meta, fact: contentFact(await collect(await tree.read(path, call), 1 << 28)), xattrs });
    default:
      return line({ type, path, meta, xattrs: type === "directory" ? xattrs : undefined });
  }
}

function line(
  { type, path, meta, fact = "", xattrs = {} }: {
    readonly type: string;
    readonly path: string;
    readonly meta: readonly number[];
    readonly fact?: string;
    readonly xattrs?: Readonly<Record<string, Uint8Array>> | undefined;
  },
): string {
  const [mode = 0, uid, gid, mtime] = meta;
  const shown = Object.keys(xattrs).sort().map((name) => `${name}=${xattrs[name]?.toHex()}`);
  return [type, path, mode.toString(8), `${uid}:${gid}`, `@${mtime}`, fact, ...shown].filter((part) => part !== "")
    .join(" ");
}

function contentFact(bytes: Uint8Array): string {
  const shown = bytes.length <= maxShownBytes ? new TextDecoder().decode(bytes) : hashBytes(bytes);
  return `${bytes.length} ${JSON.stringify(shown)}`;
}

function order(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => text.split(" ", 2)[1]?.split("/") ?? []);
  for (let i = 0; x !== undefined && y !== undefined && i < Math.max(x.length, y.length); i++) {
    const [p, q] = [x[i], y[i]];
    if (p === q) continue;
    return p === undefined ? -1 : q === undefined ? 1 : p < q ? -1 : 1;
  }
  return 0;
}
