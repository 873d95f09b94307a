import { EngineError } from "../errors.ts";
import { escapeText } from "../tar/field.ts";
import type { IndexEntry, LayerIndex } from "./layer_index.ts";
import { compareNames } from "./path_order.ts";

/** What the names of one file share. */
export interface Inode {
  /** What the layer says; its path is that of the first name. */
  readonly entry: Exclude<IndexEntry, { readonly type: "whiteout" | "opaque" | "hardlink" }>;
  /** Number of the layer that has the content, base first from 0. */
  readonly layer: number;
  /** Whether it may have more than one name. */
  isLinked: boolean;
}

/** A name in the merged tree. */
export interface Node {
  /** The file, directory or link of that name. */
  inode: Inode;
  /** Children by name, for directories. */
  children: Map<string, Node> | undefined;
  /** Names of the children in bytewise order, once they have been asked for. */
  names?: readonly string[] | undefined;
}

/** Most symlinks that one path may go through, as on Linux. */
export const maxLinks = 40;

const absentDirectory = { type: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0 } as const;

/** A tree that has only a root. */
export function emptyTree(): Node {
  return directoryNode(".", 0);
}

function directoryNode(path: string, layer: number): Node {
  return { inode: { entry: { ...absentDirectory, path }, layer, isLinked: false }, children: new Map() };
}

/** Names of a directory's children in bytewise order. */
export function sortedNames(node: Node): readonly string[] {
  return node.names ??= [...node.children?.keys() ?? []].sort(compareNames);
}

/** Parts of a path; none for the root. */
export function pathParts(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** Where following a path leads. */
export interface Found {
  /** Resolved path, `.` for the root. */
  readonly path: string;
  /** What is there; undefined when nothing is. */
  readonly node: Node | undefined;
}

/**
 * Follows a path inside the tree: symlinks on the way, and the last part too where asked; `..` and absolute targets stop at
 * the root. Parts from the first absent one on are kept. Throws `INVALID_ARGUMENT` after 40 symlinks.
 */
export function follow(root: Node, path: string, isLastFollowed: boolean): Found {
  const rest = pathParts(path).reverse();
  const names: string[] = [];
  const nodes: (Node | undefined)[] = [root];
  let links = 0;
  while (rest.length > 0) {
    const part = rest.pop();
    if (part === undefined || part === ".") continue;
    if (part === "..") {
      if (names.pop() !== undefined) nodes.pop();
      continue;
    }
    const node = nodes.at(-1)?.children?.get(part);
    if (node?.inode.entry.type === "symlink" && (rest.length > 0 || isLastFollowed)) {
      if (++links > maxLinks) throw loop(path);
      const { target } = node.inode.entry;
      if (target.startsWith("/")) {
        names.length = 0;
        nodes.length = 1;
      }
      for (const step of pathParts(target).reverse()) rest.push(step);
      continue;
    }
    names.push(part);
    nodes.push(node);
  }
  return { path: names.length === 0 ? "." : names.join("/"), node: nodes.at(-1) };
}

function loop(path: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot resolve path "${escapeText(path)}": its symlinks form a loop`, {
    detail: { field: "path", value: path },
  });
}

/**
 * Puts a layer on a tree (image-spec, layer.md): whiteouts and opaque directories hide what was there before, wherever they
 * stand in the layer; a directory over a directory keeps its children, everything else replaces. Parents that are symlinks are
 * followed inside the tree, and missing ones made. Throws `INVALID_ARGUMENT` for a layer that cannot be unpacked.
 */
export function applyLayer(root: Node, index: LayerIndex, layer: number): void {
  const links = findLinks(root, index);
  for (const entry of index.entries) if (entry.type === "whiteout" || entry.type === "opaque") hide(root, entry);
  const placing = new Placing(root, layer);
  for (const entry of index.entries) {
    if (entry.type === "whiteout" || entry.type === "opaque" || entry.type === "hardlink") continue;
    placing.add(entry.path, { entry, layer, isLinked: false });
  }
  for (const { path, target, below } of links) {
    const inode = below ?? follow(root, target, false).node?.inode;
    if (inode === undefined || inode.entry.type === "directory") {
      throw cannotPlace(path, `it is a hard link to "${escapeText(target)}", which is no file`);
    }
    inode.isLinked = true;
    placing.add(path, inode);
  }
}

interface Link {
  readonly path: string;
  readonly target: string;
  /** What the target is in the layers below; undefined when this layer has it. */
  readonly below: Inode | undefined;
}

/** Hard links of a layer, with their targets below it as they were before the layer hid any. */
function findLinks(root: Node, index: LayerIndex): Link[] {
  const links = index.entries.filter((entry) => entry.type === "hardlink");
  if (links.length === 0) return [];
  const own = new Set<string>();
  for (const { type, path } of index.entries) {
    if (type !== "whiteout" && type !== "opaque" && type !== "hardlink") own.add(path);
  }
  return links.map(({ path, target }) => {
    const below = own.has(target) ? undefined : follow(root, target, false).node?.inode;
    return { path, target, below };
  });
}

function hide(root: Node, mark: { readonly type: "whiteout" | "opaque"; readonly path: string }): void {
  if (mark.type === "opaque") {
    const { node } = follow(root, mark.path, true);
    node?.children?.clear();
    if (node !== undefined) node.names = undefined;
    return;
  }
  const slash = mark.path.lastIndexOf("/");
  const { node } = follow(root, mark.path.slice(0, Math.max(0, slash)), true);
  if (node?.children?.delete(mark.path.slice(slash + 1))) node.names = undefined;
}

/** Puts entries into a tree; those that come in path order find their parent at once. */
class Placing {
  readonly #root: Node;
  readonly #layer: number;
  #parentPath = "";
  #parent: Node;

  constructor(root: Node, layer: number) {
    this.#root = root;
    this.#layer = layer;
    this.#parent = root;
  }

  add(path: string, inode: Inode): void {
    if (path === ".") {
      if (inode.entry.type !== "directory") throw cannotPlace(path, "the root is not a directory");
      this.#root.inode = inode;
      return;
    }
    const slash = path.lastIndexOf("/");
    const parent = this.#findParent(slash < 0 ? "" : path.slice(0, slash), path);
    const name = path.slice(slash + 1);
    const children = parent.children;
    if (children === undefined) throw cannotPlace(path, "what it lies in is not a directory");
    parent.names = undefined;
    const before = children.get(name);
    if (before?.children !== undefined && inode.entry.type === "directory") {
      before.inode = inode;
      return;
    }
    children.set(name, { inode, children: inode.entry.type === "directory" ? new Map() : undefined });
    if (before !== undefined) this.#forget();
  }

  #forget(): void {
    this.#parentPath = "";
    this.#parent = this.#root;
  }

  #findParent(path: string, child: string): Node {
    if (path === this.#parentPath) return this.#parent;
    const { path: resolved, node } = follow(this.#root, path, true);
    this.#parent = node ?? this.#make(resolved, child);
    this.#parentPath = path;
    return this.#parent;
  }

  /** Makes a directory that the layer takes for granted, with the parents it lacks. */
  #make(path: string, child: string): Node {
    let node = this.#root;
    const parts = pathParts(path);
    parts.forEach((part, i) => {
      const children = node.children;
      if (children === undefined) throw cannotPlace(child, "what it lies in is not a directory");
      let next = children.get(part);
      if (next === undefined) {
        next = directoryNode(parts.slice(0, i + 1).join("/"), this.#layer);
        children.set(part, next);
        node.names = undefined;
      }
      node = next;
    });
    return node;
  }
}

function cannotPlace(path: string, state: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot read layer entry "${escapeText(path)}": ${state}`, {
    detail: { field: "entry", value: path },
  });
}
