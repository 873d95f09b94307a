import type { LayerEntry } from "../contract/layer.ts";
import type { Digest } from "../oci/descriptor.ts";
import type { FileStat, Scan } from "../os/file_system.ts";
import { type ContextFiles, type FileFacts, takeTurn, TURN_BYTES } from "./context_file.ts";
import { baseName, parentPath } from "./context_rules.ts";
import type { WalkItem } from "./context_walk.ts";
import type { DigestDatabase, KnownFile, KnownFiles } from "./digest_database.ts";

/** Time around its last change in which a file may change again without its times telling (as git's "racy" entries). */
const RACY_MS = 2000;
/** Bytes that take as long to read as a file to open. */
const OPENING_BYTES = 8 * 1024;

/** What the files of a context are hashed with. */
export interface DigestFilesOptions {
  /** Reads files. */
  readonly files: ContextFiles;
  /** Absolute path of the context. */
  readonly root: string;
  /** What is known from before; undefined reads every file. */
  readonly database: DigestDatabase | undefined;
  /** When hashing began. */
  readonly startedAt: Date;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** What was found in the directories among the items. */
  readonly scans: ReadonlyMap<string, Scan>;
  /** Takes each entry, in the order of the items. */
  readonly add: (entry: LayerEntry, contentDigest: Digest | undefined) => void;
}

/**
 * Gives each item as an entry with the digest of its content, reading only files that are not known from before, and
 * remembers what it read. Returns whether the times of all files will tell a later change, so that the result as a
 * whole may be remembered too.
 */
export async function digestFiles(items: Iterable<WalkItem>, options: DigestFilesOptions): Promise<boolean> {
  const { files, signal, add } = options;
  const known = new KnownDirectories(options);
  let cost = 0;
  for (const item of items) {
    const { path, stat, linkTo } = item;
    if (stat.type !== "file" || linkTo !== undefined) {
      const scan = stat.type === "directory" && path !== "." ? options.scans.get(path) : undefined;
      const entry = scan === undefined ? entryOf(item, files) : files.knownDirectory(path, stat, scan.xattrs);
      if (entry !== undefined) add(entry, undefined);
      continue;
    }
    let facts: FileFacts | undefined = known.find(path, stat);
    if (facts === undefined) {
      const hashed = files.hash(path, stat, signal);
      facts = hashed instanceof Promise ? await hashed : hashed;
      known.note(path, stat, facts);
      cost += stat.size + OPENING_BYTES;
    }
    add(files.knownEntry(path, stat, facts), facts.digest);
    if (cost < TURN_BYTES) continue;
    cost = 0;
    await takeTurn(signal);
  }
  known.save();
  return known.isSettled;
}

/** The entry of an item of a walk; undefined for a socket. */
export function entryOf({ path, stat, linkTo }: WalkItem, files: ContextFiles): LayerEntry | undefined {
  return linkTo === undefined ? files.entry(path, stat) : files.linkEntry(path, stat, linkTo);
}

/** What is known of the directories that items come from, one at a time. */
class KnownDirectories {
  readonly #options: DigestFilesOptions;
  readonly #changed = new Map<string, Map<string, KnownFile>>();
  #directory: string | undefined;
  #before: KnownFiles = new Map();
  /** Whether no file was changed so shortly before that its times may not tell a change that comes after. */
  isSettled = true;

  constructor(options: DigestFilesOptions) {
    this.#options = options;
  }

  /** Facts of a file that is as it was when it was read before. */
  find(path: string, stat: FileStat): FileFacts | undefined {
    if (isRacy(stat, this.#options.startedAt)) {
      this.isSettled = false;
      return undefined;
    }
    const known = this.#of(parentPath(path)).get(baseName(path));
    return known?.state === stateOf(stat) ? known : undefined;
  }

  /** Notes a file that was read. */
  note(path: string, stat: FileStat, { digest, xattrs }: FileFacts): void {
    if (isRacy(stat, this.#options.startedAt)) return;
    const directory = parentPath(path);
    const before = this.#of(directory);
    let changed = this.#changed.get(directory);
    if (changed === undefined) this.#changed.set(directory, changed = new Map(before));
    changed.set(baseName(path), { state: stateOf(stat), digest, xattrs });
  }

  /** Writes what was noted. */
  save(): void {
    const directories = Array.from(this.#changed, ([path, files]) => [this.#absolute(path), files] as const);
    this.#options.database?.remember(new Map(directories));
  }

  #of(directory: string): KnownFiles {
    if (this.#directory !== directory) {
      this.#directory = directory;
      this.#before = this.#options.database?.directory(this.#absolute(directory)) ?? new Map();
    }
    return this.#before;
  }

  #absolute(directory: string): string {
    return directory === "." ? this.#options.root : `${this.#options.root}/${directory}`;
  }
}

function isRacy(stat: FileStat, now: Date): boolean {
  const limit = now.getTime() - RACY_MS;
  // A time of change cannot be set, so one in the future is a clock that was wrong: not to be trusted either. A time of
  // content can be.
  return stat.ctimeSeconds * 1000 + 1000 > limit || Math.abs(stat.mtimeSeconds * 1000 - now.getTime()) < RACY_MS + 1000;
}

function stateOf(stat: FileStat): string {
  const { size, mtimeSeconds, mtimeNanos, ctimeSeconds, ctimeNanos, inodeHigh, inodeLow } = stat;
  return `${size} ${mtimeSeconds}.${mtimeNanos} ${ctimeSeconds}.${ctimeNanos} ${inodeHigh}:${inodeLow}`;
}
