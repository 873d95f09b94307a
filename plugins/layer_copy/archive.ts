import { isEngineErrorCode } from "./error_code.ts";
import type { LayerEntry } from "../../core/contract/mod.ts";
import {
  type Archive,
  checkSignal,
  type CopyEnvironment,
  type Node,
  type SolidEntry,
  type Style,
  unchanged,
} from "./node.ts";
import type { Owner } from "./owner.ts";
import { cleanPath, isWithin, joinPath, looksLikeWhiteout, nameOf, parentOf, treePath } from "./paths.ts";
import type { FoundSource } from "./select.ts";
import type { Target } from "./target.ts";

/** What unpacking an archive needs. */
export interface Unpacking {
  /** The archive, or a file that may be one. */
  readonly archive: Archive;
  /** Where it goes. */
  readonly target: Target;
  /** Owner in place of the archive's. */
  readonly owner: Owner | undefined;
  /** Makes the folder to unpack to and gives its path; called once it is known that there is an archive. */
  prepare(): Promise<string>;
  /** Makes a folder that the archive leaves out. */
  make(folder: string): Node;
  /** Most bytes it may unpack to, 512 of them for each entry. */
  readonly maxBytes: number;
}

const entryBytes = 512;
/** What reading gives when bytes are no tar, or no sound compressed data. Anything else is a failure to read. */
const damaged: ReadonlySet<string> = new Set(["INVALID_ARGUMENT", "CONTENT_MISMATCH", "PARSE_FAILED"]);

/** A source file as an archive; nothing is read yet. */
export function openArchive(source: FoundSource, { kit, context }: CopyEnvironment): Archive {
  return {
    shown: source.shown,
    open: async function* (): AsyncGenerator<LayerEntry> {
      yield* kit.readArchive(await source.tree.read(treePath(source.path), context), context);
    },
  };
}

/**
 * Places the entries of an archive in the target, later ones over earlier ones of the same name; false, and nothing
 * done, when the file is no archive: when it has no header, or the first one is none. Names are taken relative to
 * the folder, with a leading slash or without. Refused with `INVALID_ARGUMENT`: a name that leads out of the folder,
 * also through a link; a name that reads as a whiteout; a hard link to what the archive does not hold; more than
 * `maxBytes`. Throws `CONFLICT` when an entry is below a file.
 */
export async function unpackInto(unpacking: Unpacking, environment: CopyEnvironment): Promise<boolean> {
  const entries = unpacking.archive.open()[Symbol.asyncIterator]();
  try {
    const first = await readFirst(entries);
    if (first === undefined) return false;
    const dest = await unpacking.prepare();
    const unpacker = new Unpacker(unpacking, dest, environment);
    for (let next: IteratorResult<LayerEntry> = first; !next.done; next = await entries.next()) {
      await unpacker.add(next.value);
    }
    return true;
  } finally {
    await entries.return?.();
  }
}

async function readFirst(entries: AsyncIterator<LayerEntry>): Promise<IteratorResult<LayerEntry> | undefined> {
  try {
    const first = await entries.next();
    return first.done ? undefined : first;
  } catch (error) {
    if (isEngineErrorCode(error, damaged) && !isAboutEntry(error)) return undefined;
    throw error;
  }
}

/** Whether an error tells of an entry: its header was read, so the file is an archive, be it a bad one. */
function isAboutEntry(error: unknown): boolean {
  const detail = error instanceof Error && "detail" in error ? error.detail : undefined;
  return typeof detail === "object" && detail !== null && "field" in detail && detail.field === "entry";
}

class Unpacker {
  readonly #unpacking: Unpacking;
  readonly #dest: string;
  readonly #environment: CopyEnvironment;
  readonly #style: Style;
  /** Folders already resolved and made; forgotten when something that was there is replaced. */
  readonly #folders = new Map<string, string>();
  #ordinal = -1;
  #bytes = 0;

  constructor(unpacking: Unpacking, dest: string, environment: CopyEnvironment) {
    this.#unpacking = unpacking;
    this.#dest = dest;
    this.#environment = environment;
    this.#style = unpacking.owner === undefined ? unchanged : { owner: unpacking.owner, mode: undefined };
  }

  async add(entry: LayerEntry): Promise<void> {
    checkSignal(this.#environment);
    this.#ordinal++;
    this.#count(entry);
    const { target } = this.#unpacking;
    const path = this.#inside(entry.path, entry.path);
    // The folder itself stays as it is.
    if (path === this.#dest) return;
    const node = await this.#nodeOf(entry);
    const place = joinPath(await this.#folder(parentOf(path), entry.path), nameOf(path));
    const isNew = target.tryAdd(place, node);
    if (!isNew && target.nodes.get(place) !== node) await target.replace(place, node);
    if (!isNew) this.#folders.clear();
  }

  async #nodeOf(entry: LayerEntry): Promise<Node> {
    switch (entry.type) {
      case "whiteout":
      case "opaque":
        throw this.#refuse(entry.path, "its name would remove files from the image");
      case "hardlink":
        return await this.#linked(entry.path, entry.target);
      case "file": {
        const { archive } = this.#unpacking;
        const { content: _, ...file } = entry;
        return { from: "archive", entry: file, style: this.#style, isShared: false, archive, ordinal: this.#ordinal };
      }
      default:
        return { from: "entry", entry: this.#checked(entry), style: this.#style, isShared: false };
    }
  }

  #checked(entry: SolidEntry): SolidEntry {
    if (entry.type === "symlink" && (entry.target === "" || entry.target.includes("\0"))) {
      throw this.#refuse(entry.path, "its link target is malformed");
    }
    return entry;
  }

  async #linked(name: string, linked: string): Promise<Node> {
    const path = this.#inside(linked, name);
    const { target } = this.#unpacking;
    const place = path === this.#dest ? path : joinPath(await this.#folder(parentOf(path), name), nameOf(path));
    const node = target.nodes.get(place);
    if (node === undefined || node.entry.type === "directory") {
      throw this.#refuse(
        name,
        `it is a hard link to "${linked.slice(0, 500)}", which the archive does not hold before it`,
      );
    }
    if (node.entry.type === "file") node.isShared = true;
    return node;
  }

  /** Clean path of a stored name; a name that climbs above the folder is refused. */
  #inside(stored: string, name: string): string {
    let depth = 0;
    for (const part of stored.split("/")) {
      if (part === "..") depth--;
      else if (part !== "" && part !== ".") depth++;
      if (depth < 0) throw this.#refuse(name, `"${stored.slice(0, 500)}" leads out of the folder it is unpacked to`);
    }
    const path = cleanPath(stored);
    if (path.includes("\0")) throw this.#refuse(name, "its name is malformed");
    if (looksLikeWhiteout(path)) throw this.#refuse(name, "its name would remove files from the image");
    return joinPath(this.#dest, path);
  }

  /** The folder a path leads to, links followed inside the root, made where it is missing. */
  async #folder(path: string, name: string): Promise<string> {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const { target, make } = this.#unpacking;
    const resolved = path === this.#dest ? path : await target.resolve(path);
    if (!isWithin(resolved, this.#dest)) {
      throw this.#refuse(name, "a link leads it out of the folder it is unpacked to");
    }
    await target.makeFolders(resolved, make);
    this.#folders.set(path, resolved);
    return resolved;
  }

  #count(entry: LayerEntry): void {
    this.#bytes += entryBytes + (entry.type === "file" ? entry.size : 0);
    if (this.#bytes <= this.#unpacking.maxBytes) return;
    throw this.#refuse(entry.path, `the archive unpacks to more than ${this.#unpacking.maxBytes} bytes`);
  }

  #refuse(name: string, state: string): Error {
    const shown = name.slice(0, 500);
    const message = `Cannot unpack "${shown}" of "${this.#unpacking.archive.shown}": ${state}`;
    return this.#environment.kit.error("INVALID_ARGUMENT", message, {
      detail: { field: "archive", value: shown },
      hint: "Make the archive anew without it, or write ADD --unpack=false to copy the archive as it is",
    });
  }
}
