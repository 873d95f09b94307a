import type { ByteStream, Digest, EntryMeta, LayerEntry, Tree, TreeSelection } from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import { canonicalJson } from "../oci/canonical_json.ts";
import { sha256 } from "../oci/digest.ts";
import { cleanAbsolute } from "../path/normalize.ts";
import { compileIgnore } from "../path/match.ts";

/**
 * Metadata of an entry that a test need not spell out.
 *
 * @example A program of another user
 * ```ts
 * import { file, type MetaOverrides } from "@strata/strata/conformance";
 *
 * const meta: MetaOverrides = { mode: 0o755, uid: 1000, gid: 1000 };
 * console.log(file("bin/run", "#!/bin/sh\n", meta));
 * ```
 */
export type MetaOverrides = Partial<Omit<EntryMeta, "path">>;

type Solid = Exclude<LayerEntry, { readonly type: "hardlink" | "whiteout" | "opaque" }>;

const maxLinks = 40;

/**
 * A regular file: mode 0644, owner 0:0, time 1000 unless said otherwise.
 *
 * @example A small file
 * ```ts
 * import { file } from "@strata/strata/conformance";
 *
 * console.log(file("etc/motd", "hello\n").path);
 * ```
 */
export function file(path: string, content: string | Uint8Array<ArrayBuffer>, meta: MetaOverrides = {}): LayerEntry {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { type: "file", ...metaOf(path, 0o644, meta), size: bytes.length, content: bytes };
}

/**
 * A directory: mode 0755.
 *
 * @example A folder that everybody may write to
 * ```ts
 * import { directory } from "@strata/strata/conformance";
 *
 * console.log(directory("tmp", { mode: 0o1777 }));
 * ```
 */
export function directory(path: string, meta: MetaOverrides = {}): LayerEntry {
  return { type: "directory", ...metaOf(path, 0o755, meta) };
}

/**
 * A symbolic link.
 *
 * @example A link
 * ```ts
 * import { symlink } from "@strata/strata/conformance";
 *
 * console.log(symlink("bin", "usr/bin").type);
 * ```
 */
export function symlink(path: string, target: string, meta: MetaOverrides = {}): LayerEntry {
  return { type: "symlink", ...metaOf(path, 0o777, meta), target };
}

/**
 * One more name of a file that comes before it in the list.
 *
 * @example Two names of one file
 * ```ts
 * import { createMemoryTree, file, hardlink } from "@strata/strata/conformance";
 *
 * const tree = createMemoryTree([file("a", "1\n"), hardlink("b", "a")]);
 * console.log(typeof tree.walk);
 * ```
 */
export function hardlink(path: string, target: string): LayerEntry {
  return { type: "hardlink", ...metaOf(path, 0o644, {}), target };
}

/**
 * A directory of a few files, by name, for trees whose metadata does not matter.
 *
 * @example Several files at once
 * ```ts
 * import { files } from "@strata/strata/conformance";
 *
 * console.log(files({ "src/a.ts": "", "src/b.ts": "" }).map(({ path }) => path));
 * ```
 */
export function files(contents: Readonly<Record<string, string>>): LayerEntry[] {
  return Object.entries(contents).map(([path, text]) => file(path, text));
}

/**
 * A tree held in memory, for tests: the entries given, in any order but for hard links, which come after their target;
 * later ones replace earlier ones, and folders that are not listed are made.
 *
 * @example Read a file of a tree
 * ```ts
 * import { createLayerContext, createMemoryTree, files } from "@strata/strata/conformance";
 *
 * const tree = createMemoryTree(files({ "etc/motd": "hello\n" }));
 * console.log(await new Response(await tree.read("/etc/motd", createLayerContext())).text());
 * ```
 */
export function createMemoryTree(entries: readonly LayerEntry[]): Tree {
  return new MemoryTree(entries);
}

function metaOf(path: string, mode: number, meta: MetaOverrides): EntryMeta {
  return { path, mode, uid: 0, gid: 0, mtime: 1000, ...meta };
}

class MemoryTree implements Tree {
  readonly #entries = new Map<string, Solid>();
  /** First name of the file that a path is one more name of. */
  readonly #files = new Map<string, string>();

  constructor(entries: readonly LayerEntry[]) {
    for (const entry of entries) this.#add(entry);
  }

  async digest(path: string, selection: TreeSelection): Promise<Digest> {
    const start = await this.#locate(path, false);
    if (start !== "." && !this.#entries.has(start)) throw notFound(path);
    const facts: string[] = [];
    const names = [start, ...this.#below(start, selection)];
    for (const name of names) {
      const entry = this.#entry(name);
      if (entry === undefined) continue;
      const { path: _path, mtime: _mtime, xattrs, ...rest } = entry;
      const attributes = Object.entries(xattrs ?? {}).map(([key, value]) => [key, value.toHex()]);
      const content = entry.type === "file" ? await sha256(await bytesOf(entry)) : undefined;
      const relative = name === start ? "" : start === "." ? name : name.slice(start.length + 1);
      facts.push(canonicalJson({ ...rest, relative, content, attributes }));
    }
    return await sha256(facts.join("\n"));
  }

  async resolve(path: string): Promise<string> {
    return await this.#locate(path, true);
  }

  async stat(path: string): Promise<LayerEntry | undefined> {
    return this.#entry(await this.#locate(path, true));
  }

  async lstat(path: string): Promise<LayerEntry | undefined> {
    return this.#entry(await this.#locate(path, false));
  }

  async list(path: string): Promise<readonly string[]> {
    const folder = await this.#locate(path, true);
    if (this.#entry(folder)?.type !== "directory") throw notFound(path);
    const start = folder === "." ? 0 : folder.length + 1;
    const names = this.#below(folder, {}).map((name) => name.slice(start)).filter((name) => !name.includes("/"));
    return names;
  }

  async read(path: string): Promise<ByteStream> {
    const entry = this.#entry(await this.#locate(path, true));
    if (entry?.type !== "file") throw notFound(path);
    return new Blob([await bytesOf(entry)]).stream();
  }

  async *walk(path: string, selection: TreeSelection): AsyncGenerator<LayerEntry> {
    const start = await this.#locate(path, false);
    if (start !== "." && !this.#entries.has(start)) throw notFound(path);
    const seen = new Map<string, string>();
    for (const name of start === "." ? this.#below(start, selection) : [start, ...this.#below(start, selection)]) {
      const entry = this.#entries.get(name);
      if (entry === undefined) continue;
      const first = this.#files.get(name) ?? name;
      const target = seen.get(first);
      if (target === undefined) seen.set(first, name);
      yield target === undefined || entry.type !== "file" ? entry : {
        type: "hardlink",
        ...metaOf(name, entry.mode, { uid: entry.uid, gid: entry.gid, mtime: entry.mtime }),
        target,
      };
    }
  }

  #add(entry: LayerEntry): void {
    if (entry.type === "whiteout" || entry.type === "opaque") {
      throw new EngineError("INTERNAL", "A tree has no whiteouts");
    }
    const parts = entry.path.split("/");
    for (let i = 1; i < parts.length; i++) {
      const folder = parts.slice(0, i).join("/");
      if (!this.#entries.has(folder)) this.#entries.set(folder, { type: "directory", ...metaOf(folder, 0o755, {}) });
    }
    if (entry.type !== "hardlink") {
      this.#entries.set(entry.path, entry);
      return;
    }
    const target = this.#entries.get(entry.target);
    if (target?.type !== "file") throw notFound(entry.target);
    const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(target)) as typeof target;
    this.#entries.set(entry.path, Object.defineProperty(copy, "path", { value: entry.path, enumerable: true }));
    this.#files.set(entry.path, this.#files.get(entry.target) ?? entry.target);
  }

  #entry(path: string): Solid | undefined {
    if (path === ".") return this.#entries.get(".") ?? { type: "directory", ...metaOf(".", 0o755, {}) };
    return this.#entries.get(path);
  }

  /** Names below a folder in the order of a walk, those left out dropped, folders that lead to what is kept stay. */
  #below(folder: string, selection: TreeSelection): string[] {
    const start = folder === "." ? "" : folder + "/";
    const ignore = compileIgnore(selection.exclude ?? []);
    const kept = new Set<string>();
    for (const name of this.#entries.keys()) {
      if (name === "." || !name.startsWith(start)) continue;
      if (ignore.isExcluded(name.slice(start.length))) continue;
      kept.add(name);
      for (let slash = name.lastIndexOf("/"); slash >= start.length; slash = name.lastIndexOf("/", slash - 1)) {
        kept.add(name.slice(0, slash));
      }
    }
    // Part by part: a slash sorts before everything else.
    const encoder = new TextEncoder();
    const keyed = [...kept].map((name) => [encoder.encode(name.replaceAll("/", "\0")).toHex(), name] as const);
    return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, name]) => name);
  }

  // deno-lint-ignore require-await
  async #locate(path: string, followLast: boolean): Promise<string> {
    const rest = cleanAbsolute(path).slice(1).split("/").reverse();
    let done = "";
    let links = 0;
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        done = done.slice(0, Math.max(0, done.lastIndexOf("/")));
        continue;
      }
      const next = done === "" ? part : `${done}/${part}`;
      const entry = this.#entries.get(next);
      if (entry?.type !== "symlink" || (rest.length === 0 && !followLast)) {
        done = next;
        continue;
      }
      if (++links > maxLinks) {
        throw new EngineError("INVALID_ARGUMENT", `Cannot follow "${path}": its links form a loop`);
      }
      if (entry.target.startsWith("/")) done = "";
      rest.push(...entry.target.split("/").reverse());
    }
    return done === "" ? "." : done;
  }
}

async function bytesOf(entry: Extract<LayerEntry, { type: "file" }>): Promise<Uint8Array<ArrayBuffer>> {
  const { content } = entry;
  if (content instanceof Uint8Array) return content;
  return new Uint8Array(await new Response(await content()).arrayBuffer());
}

function notFound(path: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot read "${path}": not found`, { detail: { kind: "path", name: path } });
}
