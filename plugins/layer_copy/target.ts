import type { LayerEntry, Tree } from "../../core/contract/mod.ts";
import type { CopyEnvironment, Node } from "./node.ts";
import { cleanPath, isWithin, joinPath, nameOf, parentOf, treePath } from "./paths.ts";

/** What is at a path of the target, as far as placing something there needs to know. */
export type Found =
  | { readonly type: "symlink"; readonly target: string }
  | { readonly type: Exclude<LayerEntry["type"], "symlink"> };

const none: ReadonlySet<string> = new Set();
const maxLinks = 255;

/**
 * The filesystem a copy writes to: what lies below it, with what the layer will hold on top. Paths are clean. Asks the
 * tree below only once per folder, so that placing many files costs no look-up each.
 */
export class Target {
  readonly #base: Tree;
  readonly #environment: CopyEnvironment;
  readonly #nodes = new Map<string, Node>();
  /** Names the tree below has in folders that are known to be folders of the target. */
  readonly #below = new Map<string, ReadonlySet<string>>();
  /** Folders of the tree below that something else has replaced, so that nothing of them shows any more. */
  readonly #hidden = new Set<string>();

  /** A target on top of a tree. */
  constructor(base: Tree, environment: CopyEnvironment) {
    this.#base = base;
    this.#environment = environment;
  }

  /** What the layer will hold, by path, in the order of placing. */
  get nodes(): ReadonlyMap<string, Node> {
    return this.#nodes;
  }

  /** Whether a folder needs an opaque marker: the tree below has one at its path that it does not continue. */
  isOpaque(path: string): boolean {
    return this.#hidden.has(path);
  }

  /** What is at a path, its last part not followed; undefined when nothing is. */
  async find(path: string): Promise<Found | undefined> {
    if (path === "") return { type: "directory" };
    return this.#nodes.get(path)?.entry ?? await this.#findBelow(path);
  }

  /** The path with every link in it followed inside the root. Throws `INVALID_ARGUMENT` when links form a loop. */
  async resolve(path: string): Promise<string> {
    const rest = path.split("/").reverse();
    let done = "";
    let links = 0;
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        done = parentOf(done);
        continue;
      }
      const found = await this.find(joinPath(done, part));
      if (found?.type !== "symlink") {
        done = joinPath(done, part);
        continue;
      }
      if (++links > maxLinks) throw this.#loop(path);
      if (found.target.startsWith("/")) done = "";
      rest.push(...found.target.split("/").reverse());
    }
    return done;
  }

  /**
   * Places a node at a path where nothing is, if that is known without asking; false when it is not. The fast way of a
   * big copy.
   */
  tryAdd(path: string, node: Node): boolean {
    const slash = path.lastIndexOf("/");
    const names = this.#below.get(slash < 0 ? "" : path.slice(0, slash));
    if (names === undefined || names.has(path.slice(slash + 1)) || this.#nodes.has(path)) return false;
    this.#nodes.set(path, node);
    if (node.entry.type === "directory") this.#below.set(path, none);
    return true;
  }

  /**
   * Places a node as COPY does: a folder merges with a folder and brings its own metadata, anything but a folder
   * replaces anything but a folder. Its parent must be a folder of the target. Throws `CONFLICT` when a folder meets
   * something else.
   */
  async place(path: string, node: Node): Promise<void> {
    await this.#namesBelow(parentOf(path));
    if (this.tryAdd(path, node)) return;
    const found = await this.find(path);
    const isFolder = node.entry.type === "directory";
    if (found !== undefined && isFolder !== (found.type === "directory")) {
      throw this.#conflict(path, found.type, isFolder ? "directory" : node.entry.type);
    }
    this.#nodes.set(path, node);
  }

  /** Places a node as unpacking an archive does: whatever is there goes, but a folder merges with a folder. */
  async replace(path: string, node: Node): Promise<void> {
    await this.#namesBelow(parentOf(path));
    if (this.tryAdd(path, node)) return;
    const found = await this.find(path);
    const isFolder = node.entry.type === "directory";
    if (found?.type === "directory" && !isFolder) await this.#hide(path);
    this.#nodes.set(path, node);
    if (isFolder && found?.type !== "directory") this.#below.set(path, none);
  }

  /**
   * Makes a folder and those that lead to it, where missing. No part of the path may be a link. Throws `CONFLICT` when
   * a file is in the way.
   */
  async makeFolders(path: string, make: (path: string) => Promise<Node> | Node): Promise<void> {
    for (let slash = path.indexOf("/"); path !== ""; slash = path.indexOf("/", slash + 1)) {
      const folder = slash < 0 ? path : path.slice(0, slash);
      const found = await this.find(folder);
      if (found === undefined) await this.place(folder, await make(folder));
      else if (found.type !== "directory") throw this.#inTheWay(path, folder);
      if (slash < 0) return;
    }
  }

  async #findBelow(path: string): Promise<LayerEntry | undefined> {
    const names = await this.#namesBelow(parentOf(path));
    return names.has(nameOf(path)) ? await this.#base.lstat(path, this.#environment.context) : undefined;
  }

  async #namesBelow(folder: string): Promise<ReadonlySet<string>> {
    const known = this.#below.get(folder);
    if (known !== undefined) return known;
    if (this.#hidden.has(folder)) return none;
    const isFolder = folder === "" || (await this.#findBelow(folder))?.type === "directory";
    if (!isFolder) return none;
    const { context } = this.#environment;
    const exists = folder !== "" || await this.#base.lstat(".", context) !== undefined;
    const names = exists ? new Set(await this.#base.list(treePath(folder), context)) : none;
    this.#below.set(folder, names);
    return names;
  }

  async #hide(path: string): Promise<void> {
    if ((await this.#findBelow(path))?.type === "directory") this.#hidden.add(path);
    for (const other of this.#nodes.keys()) if (other !== path && isWithin(other, path)) this.#nodes.delete(other);
    for (const other of this.#below.keys()) if (isWithin(other, path)) this.#below.delete(other);
  }

  #loop(path: string): Error {
    return this.#environment.kit.error("INVALID_ARGUMENT", `Cannot follow "/${path}": its symbolic links form a loop`, {
      detail: { field: "path", value: `/${path}` },
      hint: "Choose a path that leads through none of these links",
    });
  }

  #inTheWay(path: string, folder: string): Error {
    const message = `Cannot create directory "/${path}": "/${cleanPath(folder)}" exists and is no directory`;
    return this.#environment.kit.error("CONFLICT", message, {
      detail: { kind: "path", name: `/${folder}` },
      hint: "Remove what is there in an earlier step, or choose another path",
    });
  }

  #conflict(path: string, found: string, wanted: string): Error {
    const message = `Cannot copy ${wanted} to "/${path}": a ${found} is there`;
    return this.#environment.kit.error("CONFLICT", message, {
      detail: { kind: "path", name: `/${path}` },
      hint: wanted === "directory"
        ? "Remove what is there in an earlier step, or copy to another path"
        : "End the destination with a slash to copy into a directory",
    });
  }
}
