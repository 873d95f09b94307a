import type { Digest } from "../oci/descriptor.ts";
import type { IndexEntry, LayerIndex } from "../layer/index.ts";

/** An entry that is there, whiteouts being gone. */
export type PresentEntry = Exclude<IndexEntry, { readonly type: "whiteout" | "opaque" }>;

/** One path of an image's file system and the layer it comes from. */
export interface FlatEntry {
  /** Number of the layer, base 0. */
  readonly layer: number;
  /** What the layer says. */
  readonly entry: PresentEntry;
  /** Bytes of content; of a hard link those of the file; 0 for what has none. */
  readonly size: number;
  /** sha256 of the content of a file or hard link. */
  readonly digest: Digest | undefined;
}

/** Told of each entry that a layer above hides or replaces. */
export type OnHidden = (hidden: FlatEntry) => void;

interface Node {
  here: FlatEntry | undefined;
  children: Map<string, Node> | undefined;
}

/** Most symlinks followed on the way to one path. */
const maxLinks = 40;

/**
 * The file system that layers give, base first: every path with the entry that is seen there, in walk order. Whiteouts act on layers
 * below only; an entry below a symlink goes where the link leads inside the root.
 */
export function flattenLayers(
  indexes: readonly LayerIndex[],
  onHidden: OnHidden = () => {},
): ReadonlyMap<string, FlatEntry> {
  const root: Node = { here: undefined, children: undefined };
  for (const [layer, index] of indexes.entries()) {
    for (const entry of index.entries) applyEntry(root, { layer, entry, onHidden });
  }
  const flat = new Map<string, FlatEntry>();
  collectNodes(root, "", flat);
  return flat;
}

interface Change {
  readonly layer: number;
  readonly entry: IndexEntry;
  readonly onHidden: OnHidden;
}

function applyEntry(root: Node, change: Change): void {
  const { layer, entry, onHidden } = change;
  const parts = entry.path === "." ? [] : entry.path.split("/");
  const name = parts.pop();
  if (entry.type === "opaque") return hideChildren(find(root, entry.path) ?? root, { layer, onHidden });
  if (name === undefined) return;
  const parent = makeParents(root, parts, 0);
  if (entry.type === "whiteout") {
    const node = parent.children?.get(name);
    if (node === undefined) return;
    hideAll(node, { layer, onHidden });
    if (isEmpty(node)) parent.children?.delete(name);
    return;
  }
  parent.children ??= new Map();
  let node = parent.children.get(name);
  if (node === undefined) parent.children.set(name, node = { here: undefined, children: undefined });
  const file = contentOf(root, entry);
  if (entry.type !== "directory") hideChildren(node, { layer, onHidden });
  if (node.here !== undefined && node.here.layer < layer) onHidden(node.here);
  node.here = { layer, entry, size: file?.size ?? 0, digest: file?.digest };
}

function contentOf(
  root: Node,
  entry: PresentEntry,
): { readonly size: number; readonly digest: Digest | undefined } | undefined {
  if (entry.type === "file") return entry;
  return entry.type === "hardlink" ? find(root, entry.target)?.here : undefined;
}

function hideAll(node: Node, by: { readonly layer: number; readonly onHidden: OnHidden }): void {
  hideChildren(node, by);
  if (node.here === undefined || node.here.layer >= by.layer) return;
  by.onHidden(node.here);
  node.here = undefined;
}

function hideChildren(node: Node, by: { readonly layer: number; readonly onHidden: OnHidden }): void {
  for (const [name, child] of node.children ?? []) {
    hideAll(child, by);
    if (isEmpty(child)) node.children?.delete(name);
  }
}

function isEmpty(node: Node): boolean {
  return node.here === undefined && (node.children === undefined || node.children.size === 0);
}

function find(root: Node, path: string): Node | undefined {
  let node: Node | undefined = root;
  if (path === ".") return root;
  for (const part of path.split("/")) node = node?.children?.get(part);
  return node;
}

/** The node of a directory, made where it is missing; symlinks on the way are followed inside the root. */
function makeParents(root: Node, parts: readonly string[], links: number): Node {
  let node = root;
  for (const [at, part] of parts.entries()) {
    node.children ??= new Map();
    let next = node.children.get(part);
    if (next === undefined) node.children.set(part, next = { here: undefined, children: undefined });
    const entry = next.here?.entry;
    if (entry?.type === "symlink" && links < maxLinks) {
      const target = joinPath(parts.slice(0, at), entry.target);
      return makeParents(root, [...target, ...parts.slice(at + 1)], links + 1);
    }
    node = next;
  }
  return node;
}

function joinPath(base: readonly string[], target: string): readonly string[] {
  const parts = target.startsWith("/") ? [] : [...base];
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

function collectNodes(node: Node, path: string, into: Map<string, FlatEntry>): void {
  if (node.here !== undefined) into.set(path, node.here);
  const names = [...node.children?.keys() ?? []].sort();
  for (const name of names) {
    const child = node.children?.get(name);
    if (child !== undefined) collectNodes(child, path === "" ? name : `${path}/${name}`, into);
  }
}
