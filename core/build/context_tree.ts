import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry, Tree, TreeSelection } from "../contract/layer.ts";
import { createTreeDigest } from "../layer/tree_digest.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import type { Digest } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import type { FileStat, Root, Scan } from "../os/file_system.ts";
import { compileIgnore } from "../path/match.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { digestFiles, entryOf } from "./context_digest.ts";
import { notInContext, readingContext } from "./context_error.ts";
import { ContextFiles, type FileOptions } from "./context_file.ts";
import { Fingerprint } from "./context_fingerprint.ts";
import { resolveLinks, resolveParentLinks } from "./context_resolve.ts";
import { type ContextRules, createRules, joinPath, narrowRules } from "./context_rules.ts";
import { SeenFiles } from "./context_seen.ts";
import { scanContext, sortedNames, walkContext, type WalkItem } from "./context_walk.ts";
import type { DigestDatabase } from "./digest_database.ts";

/** Part of the key of remembered selections; another number forgets them all. */
const SELECTION_VERSION = 1;

/** How a directory shows as a tree. */
export interface ContextTreeOptions extends FileOptions {
  /** Ignore patterns, as for `Kit.compileIgnore`; what they leave out is not there. */
  readonly exclude?: readonly string[];
  /** Digests of files that were read before; undefined reads every file for every digest. */
  readonly database?: DigestDatabase | undefined;
  /** Tells the time, for files that changed just now. */
  readonly clock: () => Date;
}

/**
 * A directory of this host as a tree. Entries are owned by 0:0. Sockets are not there. Only what is asked for is looked
 * at. What is read after a digest is what the digest saw, and what is read of a file is what the walk saw of it: else a
 * call rejects `CONFLICT`. A file that may not be read rejects `OS_FAILED`, a name that is not UTF-8 `UNSUPPORTED`;
 * both name it. The root stays the caller's to dispose.
 */
export function createContextTree(root: Root, options: ContextTreeOptions): Tree {
  return new ContextTree(root, options);
}

class ContextTree implements Tree {
  readonly #root: Root;
  readonly #options: ContextTreeOptions;
  readonly #exclude: readonly string[];
  readonly #rules: ContextRules;
  readonly #files: ContextFiles;
  readonly #seen = new SeenFiles();

  constructor(root: Root, options: ContextTreeOptions) {
    this.#root = root;
    this.#options = options;
    this.#exclude = options.exclude ?? [];
    this.#rules = createRules(compileIgnore(this.#exclude), this.#exclude.length === 0);
    this.#files = new ContextFiles(root, options);
  }

  async digest(path: string, selection: TreeSelection, call: Call): Promise<Digest> {
    const start = this.#resolveParent(path);
    const stat = this.#present(start);
    const rules = narrowRules(this.#rules, start, selection.exclude ?? []);
    if (stat.type !== "directory") {
      this.#seen.noteFile(start, stat);
      return (await this.#digestItems([{ path: start, stat, linkTo: undefined }], { start, scans: new Map() }, call))
        .digest;
    }
    const scans = new Map<string, Scan>();
    const fingerprint = await this.#fingerprint({ start, rules, scans }, call);
    const key = await this.#selectionKey(start, selection);
    const known = this.#options.database?.selection(key, this.#root.path);
    // The mode of the start itself is not among its children's records; that of the root does not count.
    const state = start === "." ? fingerprint : `${fingerprint} ${stat.mode}`;
    if (known?.fingerprint === state) return known.digest;
    const items = walkContext(start, rules, (directory) => scans.get(directory) ?? this.#scan(directory));
    const { digest, isSettled } = await this.#digestItems(
      withFirst({ path: start, stat, linkTo: undefined }, items),
      { start, scans },
      call,
    );
    if (isSettled) this.#options.database?.rememberSelection(key, { fingerprint: state, digest });
    return digest;
  }

  resolve(path: string, _call: Call): Promise<string> {
    return Promise.try(() => resolveLinks(path, this.#readLink));
  }

  async stat(path: string, call: Call): Promise<LayerEntry | undefined> {
    return this.#entry(await this.resolve(path, call));
  }

  lstat(path: string, _call: Call): Promise<LayerEntry | undefined> {
    return Promise.try(() => this.#entry(this.#resolveParent(path)));
  }

  async list(path: string, call: Call): Promise<readonly string[]> {
    const directory = await this.resolve(path, call);
    if (this.#find(directory)?.type !== "directory") throw notInContext(directory);
    const scan = this.#scan(directory);
    return sortedNames(scan, (name) => this.#isTaken(joinPath(directory, name)));
  }

  async read(path: string, call: Call): Promise<ByteStream> {
    const file = await this.resolve(path, call);
    const stat = this.#find(file);
    if (stat?.type !== "file") throw notInContext(file);
    this.#seen.checkFile(file, stat);
    return await this.#files.open(file, stat)();
  }

  async *walk(path: string, selection: TreeSelection, call: Call): AsyncGenerator<LayerEntry, void, undefined> {
    const start = this.#resolveParent(path);
    const stat = this.#present(start);
    this.#seen.checkFile(start, stat);
    if (start !== ".") yield* this.#entries([{ path: start, stat, linkTo: undefined }], call);
    if (stat.type !== "directory") return;
    const rules = narrowRules(this.#rules, start, selection.exclude ?? []);
    yield* this.#entries(walkContext(start, rules, (directory) => this.#checkedScan(directory, rules)), call);
  }

  *#entries(items: Iterable<WalkItem>, call: Call): Generator<LayerEntry, void, undefined> {
    for (const item of items) {
      throwIfAborted(call.signal);
      const entry = entryOf(item, this.#files);
      if (entry !== undefined) yield entry;
    }
  }

  async #digestItems(
    items: Iterable<WalkItem>,
    { start, scans }: { readonly start: string; readonly scans: ReadonlyMap<string, Scan> },
    call: Call,
  ): Promise<{ digest: Digest; isSettled: boolean }> {
    const digest = createTreeDigest();
    const skipped = start === "." ? 0 : start.length + 1;
    const isSettled = await digestFiles(items, {
      files: this.#files,
      root: this.#root.path,
      database: this.#options.database,
      startedAt: this.#options.clock(),
      signal: call.signal,
      scans,
      add: (entry, content) => digest.add(entry.path === start ? "." : entry.path.slice(skipped), entry, content),
    });
    return { digest: await digest.result(), isSettled };
  }

  async #fingerprint(
    walk: { start: string; rules: ContextRules; scans: Map<string, Scan> },
    call: Call,
  ): Promise<string> {
    const fingerprint = new Fingerprint();
    for (const found of scanContext(walk.start, walk.rules, (directory) => this.#checkedScan(directory, walk.rules))) {
      throwIfAborted(call.signal);
      walk.scans.set(found.directory, found.scan);
      this.#seen.noteScan(found.directory, found.scan);
      await fingerprint.add(found);
    }
    return await fingerprint.result();
  }

  #selectionKey(start: string, selection: TreeSelection): Promise<Digest> {
    const key = {
      version: SELECTION_VERSION,
      root: this.#root.path,
      start,
      exclude: this.#exclude,
      below: selection.exclude ?? [],
    };
    return sha256(canonicalJson(key));
  }

  #entry(path: string): LayerEntry | undefined {
    const stat = this.#find(path);
    if (stat === undefined) return undefined;
    this.#seen.checkFile(path, stat);
    return this.#files.entry(path, stat);
  }

  #present(path: string): FileStat {
    const stat = this.#find(path);
    if (stat === undefined) throw notInContext(path);
    return stat;
  }

  /** State of a path without symlinks in it; undefined when it is absent or left out. */
  #find(path: string): FileStat | undefined {
    if (path !== "." && !this.#isTaken(path)) return undefined;
    const stat = readingContext(path, () => this.#root.lstat(path));
    return stat?.type === "socket" ? undefined : stat;
  }

  /** Whether a path is there as far as the patterns go: taken, or a directory with something below it that is. */
  #isTaken(path: string): boolean {
    if (this.#rules.takesAll) return true;
    const verdict = this.#rules.judge(path);
    if (verdict !== "look-below") return verdict === "take";
    if (this.#root.lstat(path)?.type !== "directory") return false;
    return !walkContext(path, this.#rules, (directory) => this.#scan(directory)).next().done;
  }

  #scan(directory: string): Scan {
    return readingContext(directory, () => this.#root.scan(directory));
  }

  #checkedScan(directory: string, rules: ContextRules): Scan {
    const scan = this.#scan(directory);
    this.#seen.checkScan(directory, scan, (name, type) => {
      const verdict = rules.judge(joinPath(directory, name));
      return verdict === "take" || (verdict === "look-below" && type === "directory");
    });
    return scan;
  }

  /** The path with every symlink before its last part followed. */
  #resolveParent(path: string): string {
    return resolveParentLinks(path, this.#readLink);
  }

  readonly #readLink = (path: string): string | undefined => {
    return this.#find(path)?.type === "symlink" ? this.#files.readLink(path) : undefined;
  };
}

function* withFirst(first: WalkItem, items: Iterable<WalkItem>): Generator<WalkItem> {
  yield first;
  yield* items;
}
