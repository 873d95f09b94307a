import type { LayerEntry, Tree } from "../../core/contract/mod.ts";
import type { CopyArgs } from "./args.ts";
import { openArchive, type Unpacking, unpackInto } from "./archive.ts";
import { parseMode } from "./mode.ts";
import { type CopyEnvironment, madeDirectory, type Node, type SolidEntry, type Style } from "./node.ts";
import { resolveOwner } from "./owner.ts";
import { matchParents } from "./parents.ts";
import { joinPath, looksLikeWhiteout, nameOf, parentOf, treePath } from "./paths.ts";
import { type FoundSource, type InlineSource, type ParentsSource, selectSources } from "./select.ts";
import { Target } from "./target.ts";

/** Bounds of what a copy may do. */
export interface CopyLimits {
  /**
   * Most bytes that an archive may unpack to when unpacking was asked for, which is the only way to unpack a download.
   */
  readonly maxUnpackedBytes: number;
}

/**
 * Decides what the layer of a copy holds, without opening a file that is copied. Sources are taken in order, later ones
 * over earlier ones. Throws what selecting, placing and unpacking throw.
 */
export async function planCopy(args: CopyArgs, limits: CopyLimits, environment: CopyEnvironment): Promise<Target> {
  const { kit, context } = environment;
  const base = context.inputs[0];
  if (base === undefined) throw kit.error("INVALID_ARGUMENT", `Cannot copy to "${args.dest}": the step has no input`);
  const style: Style = {
    owner: args.chown === undefined ? undefined : await resolveOwner(args.chown, { tree: base, kit }, context),
    mode: args.chmod === undefined ? undefined : parseMode(args.chmod, kit),
  };
  const target = new Target(base, environment);
  const placing = new Placing({ args, limits, style, target }, environment);
  for (const source of await selectSources(args, environment)) {
    if (source.type === "inline") await placing.inline(source);
    else if (source.type === "parents") await placing.parents(source);
    else if (source.entry.type === "directory") await placing.folder(source);
    else await placing.file(source);
  }
  return target;
}

interface Job {
  readonly args: CopyArgs;
  readonly limits: CopyLimits;
  readonly style: Style;
  readonly target: Target;
}

class Placing {
  readonly #job: Job;
  readonly #environment: CopyEnvironment;

  constructor(job: Job, environment: CopyEnvironment) {
    this.#job = job;
    this.#environment = environment;
  }

  async inline(source: InlineSource): Promise<void> {
    const content = new TextEncoder().encode(source.text);
    const mtime = this.#environment.context.sourceDateEpoch ?? 0;
    const entry: SolidEntry = {
      type: "file",
      path: source.name,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime,
      size: content.length,
      content: content.length <= 256 * 1024 ? content : () => Promise.resolve(new Blob([content]).stream()),
    };
    await this.#single(source.name, this.#node(entry));
  }

  async file(source: FoundSource): Promise<void> {
    if (source.extract !== "never" && source.entry.type === "file" && await this.#unpack(source)) return;
    await this.#single(source.name, this.#node(this.#solid(source.entry, source.path)));
  }

  async folder(source: FoundSource): Promise<void> {
    const { args, target } = this.#job;
    const dest = await this.#folderAt(args.dest);
    const walk: Walk = { tree: source.tree, root: source.path, dest, files: new Map(), isFiltered: false };
    const cut = source.path === "" ? 0 : source.path.length + 1;
    const selection = { exclude: args.exclude };
    for await (const entry of source.tree.walk(treePath(source.path), selection, this.#environment.context)) {
      // The folder itself is not copied, only what it holds.
      if (entry.path.length <= cut) continue;
      const relative = entry.path.slice(cut);
      const path = dest === "" ? relative : `${dest}/${relative}`;
      const node = entry.type === "hardlink" ? await this.#linked(entry, walk) : this.#node(this.#solid(entry));
      this.#refuseWhiteout(path);
      if (!target.tryAdd(path, node)) await this.#placeBelow(path, node, walk);
    }
  }

  async parents(source: ParentsSource): Promise<void> {
    const { args } = this.#job;
    const dest = await this.#folderAt(args.dest);
    const walk: Walk = { tree: source.tree, root: source.pivot, dest, files: new Map(), isFiltered: true };
    for await (const { relative, entry } of matchParents(source, args.exclude, this.#environment)) {
      const node = entry.type === "hardlink" ? await this.#linked(entry, walk) : this.#node(this.#solid(entry));
      if (entry.type === "file") walk.files.set(entry.path, node);
      const path = joinPath(dest, relative);
      this.#refuseWhiteout(path);
      await this.#placeBelow(path, node, walk);
    }
  }

  /** Places one thing that is no folder: in the destination when that is a folder, else at its very path. */
  async #single(name: string, node: Node): Promise<void> {
    const { args, target } = this.#job;
    const dest = args.dest.endsWith("/") ? await this.#folderAt(args.dest) : await target.resolve(args.dest);
    const isFolder = (await target.find(dest))?.type === "directory";
    const path = isFolder ? joinPath(dest, name) : dest;
    this.#refuseWhiteout(path);
    await target.makeFolders(parentOf(path), (folder) => this.#made(folder));
    await target.place(path, node);
  }

  /** The destination as a folder, made where it is missing. */
  async #folderAt(dest: string, make = (folder: string): Node => this.#made(folder)): Promise<string> {
    const path = await this.#job.target.resolve(dest);
    this.#refuseWhiteout(path);
    await this.#job.target.makeFolders(path, make);
    return path;
  }

  #made(folder: string): Node {
    return madeDirectory(folder, this.#job.style, this.#environment.context);
  }

  #node(entry: SolidEntry): Node {
    return { from: "entry", entry, style: this.#job.style, isShared: false };
  }

  #solid(entry: LayerEntry, shown = entry.path): SolidEntry {
    if (entry.type === "hardlink" || entry.type === "whiteout" || entry.type === "opaque") {
      throw this.#environment.kit.error("INTERNAL", `Cannot copy "/${shown}": its tree shows it as a ${entry.type}`);
    }
    return entry;
  }

  /**
   * The node of the file that a hard link is one more name of; when none of its names is copied so far, the file
   * itself.
   */
  async #linked(
    entry: Extract<LayerEntry, { type: "hardlink" }>,
    { tree, root, dest, files, isFiltered }: Walk,
  ): Promise<Node> {
    const relative = entry.target.slice(root === "" ? 0 : root.length + 1);
    const first = files.get(entry.target) ??
      (isFiltered ? undefined : this.#job.target.nodes.get(joinPath(dest, relative)));
    if (first !== undefined) {
      first.isShared = true;
      return first;
    }
    const node = this.#node(this.#solid(await tree.lstat(entry.path, this.#environment.context) ?? entry));
    files.set(entry.target, node);
    return node;
  }

  /** Places what a folder holds, with the folders that lead to it when those were left out. */
  async #placeBelow(path: string, node: Node, walk: Walk): Promise<void> {
    const { target } = this.#job;
    const above = parentOf(path);
    if (above !== "" && !target.nodes.has(above)) {
      await target.makeFolders(above, (folder) => this.#folderLike(folder, walk));
    }
    await target.place(path, node);
  }

  async #folderLike(folder: string, { tree, root, dest }: Walk): Promise<Node> {
    const original = joinPath(root, dest === "" ? folder : folder.slice(dest.length + 1));
    const entry = await tree.lstat(original, this.#environment.context);
    return entry?.type === "directory" ? this.#node(entry) : this.#made(folder);
  }

  async #unpack(source: FoundSource): Promise<boolean> {
    const { args, limits, style, target } = this.#job;
    const isForced = source.extract === "always";
    const archive = openArchive(source, this.#environment);
    // As in BuildKit the mode is for what is copied; what is unpacked and the folders made for it do not take it.
    const make = (folder: string): Node =>
      madeDirectory(folder, { owner: style.owner, mode: undefined }, this.#environment.context);
    const unpacking: Unpacking = {
      archive,
      target,
      owner: style.owner,
      prepare: () => this.#folderAt(args.dest, make),
      make,
      maxBytes: isForced ? limits.maxUnpackedBytes : Infinity,
    };
    if (await unpackInto(unpacking, this.#environment)) return true;
    if (!isForced) return false;
    throw this.#environment.kit.error(
      "INVALID_ARGUMENT",
      `Cannot unpack "${source.shown}": it is no archive, expected a tar`,
      {
        detail: { field: "unpack", value: source.shown },
        hint: "Leave out --unpack to copy the file as it is",
      },
    );
  }

  #refuseWhiteout(path: string): void {
    if (!looksLikeWhiteout(path)) return;
    const shown = nameOf(path);
    throw this.#environment.kit.error(
      "UNSUPPORTED",
      `Cannot copy to "/${path}": the name "${shown}" would remove files from the image`,
      {
        detail: { what: "file name", known: [] },
        hint: "Rename the file, or leave it out with --exclude or .dockerignore",
      },
    );
  }
}

/** One walk over a source folder. */
interface Walk {
  readonly tree: Tree;
  /** Clean path of the folder. */
  readonly root: string;
  /** Clean path of where it goes. */
  readonly dest: string;
  /** Whether not all that the walk gives is copied, so that a link's file may be missing in the plan. */
  readonly isFiltered: boolean;
  /** Nodes of files by path in the tree, of a filtered walk. */
  readonly files: Map<string, Node>;
}
