import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry, Tree, TreeSelection } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { escapeText } from "../tar/field.ts";
import { type FileLocation, openFile } from "./file_content.ts";
import { applyLayer, emptyTree, follow, type Inode, type Node, sortedNames } from "./file_tree.ts";
import type { LayerIndex } from "./layer_index.ts";
import { selectPaths } from "./selection.ts";
import { createTreeDigest } from "./tree_digest.ts";

/** One layer of a merged tree. */
export interface TreeLayer {
  /** The layer as stored. */
  readonly descriptor: Descriptor;
  /** Digest of its uncompressed tar. */
  readonly diffId: Digest;
  /** What is in it. */
  readonly index: LayerIndex;
}

/** Opens the uncompressed tar of a layer, given as the tree was given it, at a byte. */
export type OpenLayer = (descriptor: Descriptor, offset?: number) => Promise<ByteStream>;

/**
 * The filesystem that layers make together, base first, from their tables of contents: nothing is unpacked, and only contents
 * that are read are opened. The layers are put together when the tree is first asked something; a layer that cannot be
 * unpacked makes every question reject `INVALID_ARGUMENT`.
 */
export function createMergedTree(layers: readonly TreeLayer[], open: OpenLayer): Tree {
  return new MergedTree(layers, open);
}

class MergedTree implements Tree {
  readonly #layers: readonly TreeLayer[];
  readonly #open: OpenLayer;
  #built: Node | undefined;

  constructor(layers: readonly TreeLayer[], open: OpenLayer) {
    this.#layers = layers;
    this.#open = open;
  }

  get #root(): Node {
    if (this.#built === undefined) {
      const root = emptyTree();
      this.#layers.forEach((layer, i) => applyLayer(root, layer.index, i));
      this.#built = root;
    }
    return this.#built;
  }

  // deno-lint-ignore require-await
  async resolve(path: string, _call: Call): Promise<string> {
    return follow(this.#root, path, true).path;
  }

  // deno-lint-ignore require-await
  async stat(path: string, _call: Call): Promise<LayerEntry | undefined> {
    return this.#entryAt(path, true);
  }

  // deno-lint-ignore require-await
  async lstat(path: string, _call: Call): Promise<LayerEntry | undefined> {
    return this.#entryAt(path, false);
  }

  // deno-lint-ignore require-await
  async list(path: string, _call: Call): Promise<readonly string[]> {
    const { node } = follow(this.#root, path, true);
    if (node === undefined) throw notFound("list directory", path, "there is no such path");
    if (node.children === undefined) throw notFound("list directory", path, "it is not a directory");
    return sortedNames(node);
  }

  async read(path: string, _call: Call): Promise<ByteStream> {
    const { node } = follow(this.#root, path, true);
    if (node === undefined) throw notFound("read file", path, "there is no such path");
    const { entry } = node.inode;
    if (entry.type !== "file") throw notFound("read file", path, `it is a ${entry.type}`);
    return await this.#content(node.inode, entry)();
  }

  async digest(path: string, selection: TreeSelection, call: Call): Promise<Digest> {
    const tree = createTreeDigest();
    const top = this.#find(path);
    for (const found of this.#select(top, selection, call)) {
      const { entry } = found.node.inode;
      tree.add(found.relative, found.entry, entry.type === "file" ? entry.digest : undefined);
    }
    return await tree.result();
  }

  async *walk(path: string, selection: TreeSelection, call: Call): AsyncGenerator<LayerEntry> {
    const top = this.#find(path);
    for (const { entry } of this.#select(top, selection, call)) if (entry.path !== ".") yield entry;
  }

  #find(path: string): { readonly path: string; readonly node: Node } {
    const { path: resolved, node } = follow(this.#root, path, false);
    if (node === undefined) throw notFound("walk", path, "there is no such path");
    return { path: resolved, node };
  }

  *#select(
    top: { readonly path: string; readonly node: Node },
    selection: TreeSelection,
    call: Call,
  ): Generator<{ readonly relative: string; readonly node: Node; readonly entry: LayerEntry }> {
    const seen = new Map<Inode, string>();
    const prefix = top.path === "." ? "" : `${top.path}/`;
    for (const { path: relative, node } of selectPaths(top.node, selection.exclude ?? [])) {
      throwIfAborted(call.signal);
      const path = relative === "" ? top.path : prefix + relative;
      const target = node.inode.isLinked ? seen.get(node.inode) : undefined;
      if (node.inode.isLinked && target === undefined) seen.set(node.inode, path);
      yield {
        relative,
        node,
        entry: target === undefined ? this.#entry(path, node.inode) : toLink(path, target, node.inode),
      };
    }
  }

  #entryAt(path: string, isLastFollowed: boolean): LayerEntry | undefined {
    const found = follow(this.#root, path, isLastFollowed);
    return found.node === undefined ? undefined : this.#entry(found.path, found.node.inode);
  }

  #entry(path: string, inode: Inode): LayerEntry {
    const { entry } = inode;
    if (entry.type !== "file") return { ...entry, path };
    const { mode, uid, gid, mtime, xattrs, size } = entry;
    const content = this.#content(inode, entry);
    return {
      type: "file",
      path,
      mode,
      uid,
      gid,
      mtime,
      ...(xattrs === undefined ? undefined : { xattrs }),
      size,
      content,
    };
  }

  #content(inode: Inode, location: FileLocation): (offset?: number) => Promise<ByteStream> {
    return (offset = 0) => {
      const layer = this.#layers[inode.layer];
      if (layer === undefined) {
        return Promise.reject(new EngineError("INTERNAL", "Cannot read file: its layer is unknown"));
      }
      return openFile(location, offset, (start) => this.#open(layer.descriptor, start));
    };
  }
}

function toLink(path: string, target: string, inode: Inode): LayerEntry {
  const { mode, uid, gid, mtime, xattrs } = inode.entry;
  return { type: "hardlink", path, mode, uid, gid, mtime, ...(xattrs === undefined ? undefined : { xattrs }), target };
}

function notFound(verb: string, path: string, state: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot ${verb} "${escapeText(path)}": ${state}`, {
    detail: { kind: "file", name: path },
  });
}
