import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import type { ByteStream, Call, OpenContent } from "./call.ts";
import type { BuildOp } from "./parse.ts";

/**
 * Metadata every entry has.
 *
 * @example A file that everybody may read
 * ```ts
 * import type { EntryMeta } from "@strata/strata/contract";
 *
 * const meta: EntryMeta = { path: "etc/motd", mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000 };
 * console.log(meta.path);
 * ```
 */
export interface EntryMeta {
  /** Slash-separated, relative to the root, normalized, never empty, never `..`. */
  readonly path: string;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Numeric owner. */
  readonly uid: number;
  /** Numeric group. */
  readonly gid: number;
  /** Seconds since the Unix epoch; may be fractional. */
  readonly mtime: number;
  /** Extended attributes by full name, e.g. `security.capability`. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

/**
 * Bytes of a regular file: in memory when they are few (at most 256 KiB, the path that makes trees of small files
 * fast), else opened when wanted.
 *
 * @example Bytes, or a stream of them for what is large
 * ```ts
 * import type { FileContent } from "@strata/strata/contract";
 *
 * const small: FileContent = new TextEncoder().encode("hello\n");
 * const large: FileContent = (offset = 0) => Promise.resolve(new Blob(["hello\n"]).slice(offset).stream());
 * console.log(small.length, large.length);
 * ```
 */
export type FileContent = Uint8Array<ArrayBuffer> | OpenContent;

/**
 * One change to a filesystem. A layer is an ordered stream of them. A file's `content` may be opened at most once,
 * and only before the next entry is asked for, because entries may come straight from a tar stream.
 *
 * @example A folder with a file and a link to it
 * ```ts
 * import type { LayerEntry } from "@strata/strata/contract";
 *
 * const owner = { uid: 0, gid: 0, mtime: 0 };
 * const entries: readonly LayerEntry[] = [
 *   { type: "directory", path: "bin", mode: 0o755, ...owner },
 *   { type: "file", path: "bin/a", mode: 0o755, ...owner, size: 2, content: new TextEncoder().encode("a\n") },
 *   { type: "symlink", path: "bin/b", mode: 0o777, ...owner, target: "a" },
 * ];
 * console.log(entries.map(({ path }) => path));
 * ```
 */
export type LayerEntry =
  | EntryMeta & { readonly type: "file"; readonly size: number; readonly content: FileContent }
  | EntryMeta & { readonly type: "directory" }
  | EntryMeta & { readonly type: "symlink"; readonly target: string }
  | EntryMeta & { readonly type: "hardlink"; readonly target: string }
  | EntryMeta & { readonly type: "fifo" }
  | EntryMeta & { readonly type: "char" | "block"; readonly major: number; readonly minor: number }
  | { readonly type: "whiteout"; readonly path: string }
  | { readonly type: "opaque"; readonly path: string };

/**
 * What a walk or a digest covers.
 *
 * @example Everything but logs
 * ```ts
 * import type { TreeSelection } from "@strata/strata/contract";
 *
 * const selection: TreeSelection = { exclude: ["*.log"] };
 * console.log(selection.exclude);
 * ```
 */
export interface TreeSelection {
  /** Ignore patterns relative to the walked path, as for `Kit.compileIgnore`. */
  readonly exclude?: readonly string[];
}

/**
 * Read-only view of one filesystem state. Symlinks resolve inside the root and cannot leave it.
 *
 * @example Names and sizes of the files of a tree
 * ```ts
 * import type { Call, Tree } from "@strata/strata/contract";
 *
 * async function sizes(tree: Tree, call: Call): Promise<[string, number][]> {
 *   const found: [string, number][] = [];
 *   for await (const entry of tree.walk("/", {}, call)) if (entry.type === "file") found.push([entry.path, entry.size]);
 *   return found;
 * }
 * ```
 */
export interface Tree {
  /**
   * Digest of everything at and under a path: relative paths, types, modes, owners, sizes, contents, link targets, device
   * numbers and extended attributes, never times and never the path itself. Equal content gives equal digests whatever
   * the tree is made of. An absent path rejects `NOT_FOUND`. The last part of `path` is not followed when it is a symlink.
   */
  digest(path: string, selection: TreeSelection, call: Call): Promise<Digest>;
  /**
   * The path with every symlink in it followed inside the root. Parts from the first absent one on are kept as given.
   * Rejects `INVALID_ARGUMENT` when links form a loop.
   */
  resolve(path: string, call: Call): Promise<string>;
  /** The entry at a path, symlinks followed, so its `path` is the resolved one; undefined when absent. The root is a directory with path `.`. */
  stat(path: string, call: Call): Promise<LayerEntry | undefined>;
  /** The entry at a path; its last part is not followed. Undefined when absent. A hard link shows as the file it is. */
  lstat(path: string, call: Call): Promise<LayerEntry | undefined>;
  /** Names of a directory's direct children, sorted bytewise; symlinks in `path` followed. Rejects `NOT_FOUND`. */
  list(path: string, call: Call): Promise<readonly string[]>;
  /** Bytes of a regular file, symlinks followed. Rejects `NOT_FOUND`. */
  read(path: string, call: Call): Promise<ByteStream>;
  /**
   * The entry at a path and those under it in bytewise path order, parents before children; symlinks are not followed,
   * nor is `path` when it is one. Paths are relative to the tree's root; the root itself is not yielded. A later name of
   * a file that this walk already yielded comes as `hardlink` with that path as target. Unlike those of an archive, a tree's entries can be
   * opened at any time while the tree lives, each time anew. No whiteouts.
   */
  walk(path: string, selection: TreeSelection, call: Call): AsyncIterable<LayerEntry>;
}

/**
 * Something mounted into a run; never part of the resulting layer. Targets are absolute and not `/`.
 *
 * @example Memory in place of a folder
 * ```ts
 * import type { RunMount } from "@strata/strata/contract";
 *
 * const mount: RunMount = { type: "tmpfs", target: "/tmp", size: 64 << 20, readonly: false };
 * console.log(mount.target);
 * ```
 */
export type RunMount =
  | {
    /** A path of an input; what is written there is lost. */
    readonly type: "bind";
    /** Where it shows. */
    readonly target: string;
    /** Index in {@linkcode LayerContext.inputs}. */
    readonly input: number;
    /** Path in that input, `.` for all of it. */
    readonly source: string;
    /** Whether it cannot be written to. */
    readonly readonly: boolean;
  }
  | {
    /** A directory that stays from build to build. */
    readonly type: "cache";
    /** Where it shows. */
    readonly target: string;
    /** What tells it from every other one. */
    readonly id: string;
    /** `shared`: others may use it at the same time; `private`: they get another one; `locked`: they wait. */
    readonly sharing: "shared" | "private" | "locked";
    /** Whether it cannot be written to. */
    readonly readonly: boolean;
    /** Input that a new one starts with, at `source`; null starts empty. */
    readonly input: number | null;
    /** Path in that input, `.` for all of it. */
    readonly source: string;
    /** Owner and permission bits of a new one that starts empty. */
    readonly uid: number;
    /** Numeric group. */
    readonly gid: number;
    /** Permission bits. */
    readonly mode: number;
  }
  | {
    /** A secret of the caller, by id, as a file, an environment variable or both. */
    readonly type: "secret";
    /** What the caller knows it by. */
    readonly id: string;
    /** Path of the file; null for none. */
    readonly target: string | null;
    /** Name of the variable; null for none. */
    readonly env: string | null;
    /** Whether the run fails without it; it goes without when not. */
    readonly required: boolean;
    /** Numeric owner. */
    readonly uid: number;
    /** Numeric group. */
    readonly gid: number;
    /** Permission bits. */
    readonly mode: number;
  }
  | {
    /** Socket of an SSH agent of the caller, by id; `SSH_AUTH_SOCK` of the first leads to it. */
    readonly type: "ssh";
    /** What the caller knows it by. */
    readonly id: string;
    /** Where it shows. */
    readonly target: string;
    /** Whether the run fails without it; it goes without when not. */
    readonly required: boolean;
    /** Numeric owner. */
    readonly uid: number;
    /** Numeric group. */
    readonly gid: number;
    /** Permission bits. */
    readonly mode: number;
  }
  | {
    /** Kind of mount. */
    readonly type: "tmpfs";
    /** Where it shows. */
    readonly target: string;
    /** Most bytes it holds; null for half of the memory. */
    readonly size: number | null;
    /** Whether it cannot be written to. */
    readonly readonly: boolean;
  };

/**
 * A file put in place before a command starts, outside of the resulting layer.
 *
 * @example A script that a command runs
 * ```ts
 * import type { RunFile } from "@strata/strata/contract";
 *
 * const file: RunFile = { path: "/dev/pipes/script", text: "#!/bin/sh\necho hi\n", mode: 0o755 };
 * console.log(file.path);
 * ```
 */
export interface RunFile {
  /** Absolute path below `/dev/pipes`. */
  readonly path: string;
  /** What it holds. */
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * A command to run on top of a tree.
 *
 * @example A command without a network
 * ```ts
 * import type { RunSpec } from "@strata/strata/contract";
 *
 * const spec: RunSpec = {
 *   args: ["/bin/sh", "-c", "make"],
 *   env: ["PATH=/usr/bin:/bin"],
 *   cwd: "/src",
 *   user: "1000",
 *   network: "none",
 *   security: "sandbox",
 *   hostname: null,
 *   mounts: [],
 *   files: [],
 * };
 * console.log(spec.args);
 * ```
 */
export interface RunSpec {
  /** Program and arguments; no shell is added. Never empty. */
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** Absolute working directory, created when missing. */
  readonly cwd: string;
  /** `user[:group]`, by name or number, looked up in the files of the run; empty for root. */
  readonly user: string;
  /** Network the command sees. */
  readonly network: "none" | "host" | "default";
  /** `insecure` keeps all privileges; the caller has to allow it. */
  readonly security: "sandbox" | "insecure";
  /** Host name; null for the usual one. */
  readonly hostname: string | null;
  /** Mounts, in order. */
  readonly mounts: readonly RunMount[];
  /** Scripts. */
  readonly files: readonly RunFile[];
}

/**
 * What a layer hook may use.
 *
 * @example Give on what a command changes
 * ```ts
 * import type { LayerContext, LayerEntry, RunSpec } from "@strata/strata/contract";
 *
 * async function* changes(spec: RunSpec, context: LayerContext): AsyncGenerator<LayerEntry> {
 *   for await (const entry of context.run(spec)) if (!entry.path.startsWith("tmp/")) yield entry;
 * }
 * ```
 */
export interface LayerContext extends Call {
  /** Platform being built. */
  readonly platform: Platform;
  /**
   * Times newer than this are set to it, and what has no time of its own gets it; seconds since the Unix epoch. Undefined
   * without SOURCE_DATE_EPOCH: then what has no time of its own gets 0, so that layers are the same on every machine.
   */
  readonly sourceDateEpoch: number | undefined;
  /** Trees of the node's inputs, in order. */
  readonly inputs: readonly Tree[];
  /**
   * Runs a command on a writable copy of `inputs[0]`; yields what it changed. At most once for a layer. Rejects `STEP_FAILED`
   * with `detail` `{exitCode, output}`, and `UNSUPPORTED` where the host cannot run it.
   */
  run(spec: RunSpec): AsyncIterable<LayerEntry>;
  /** Content that lives as long as this build and, under a remembered name, beyond it. */
  readonly scratch: Scratch;
}

/**
 * Where a layer hook keeps what it downloaded between `contentKey` and `build`, and from build to build.
 *
 * @example Fetch something once
 * ```ts
 * import type { LayerContext, OpenContent } from "@strata/strata/contract";
 *
 * async function fetched(url: string, { scratch, signal }: LayerContext): Promise<OpenContent> {
 *   const known = await scratch.recall(url);
 *   if (known !== undefined) return scratch.open(known);
 *   const { body } = await fetch(url, { signal });
 *   const descriptor = await scratch.ingest(body ?? new Blob().stream(), 1 << 20);
 *   await scratch.remember(url, descriptor);
 *   return scratch.open(descriptor);
 * }
 * ```
 */
export interface Scratch {
  /** What was remembered under a key, while its content is still there. Keys are the plugin's own. */
  recall(key: string): Promise<Descriptor | undefined>;
  /** Stores bytes of unknown digest; more than `maxBytes` rejects `INVALID_ARGUMENT`. */
  ingest(content: ByteStream, maxBytes: number): Promise<Descriptor>;
  /** Remembers stored content under a key; annotations of the descriptor are kept, which is the place for an ETag. */
  remember(key: string, descriptor: Descriptor): Promise<void>;
  /** Opens stored content, verified. Rejects `NOT_FOUND`. */
  open(descriptor: Descriptor): OpenContent;
}

/**
 * Turns one operation and its input trees into a layer.
 *
 * @example An operation that writes a file
 * ```ts
 * import type { LayerHook } from "@strata/strata/contract";
 *
 * const hook: LayerHook = {
 *   kinds: ["motd"],
 *   contentKey: () => Promise.resolve(undefined),
 *   async *build({ args }) {
 *     const content = new TextEncoder().encode(String(args.text));
 *     yield { type: "file", path: "etc/motd", mode: 0o644, uid: 0, gid: 0, mtime: 0, size: content.length, content };
 *   },
 * };
 * console.log(hook.kinds);
 * ```
 */
export interface LayerHook {
  /** Operation kinds this hook builds; unique among layer hooks. */
  readonly kinds: readonly string[];
  /**
   * Digest of everything beyond the operation and `inputs[0]` that the result depends on.
   * Undefined means: all inputs, whole. Returning less than the truth makes stale cache hits.
   */
  contentKey(op: BuildOp, context: LayerContext): Promise<Digest | undefined>;
  /** The changes, parents before children, each path at most once. Core packs, hashes, compresses and stores them. */
  build(op: BuildOp, context: LayerContext): AsyncIterable<LayerEntry>;
}
