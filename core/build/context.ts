import type { ByteStream, Call } from "../contract/call.ts";
import type { Tree } from "../contract/layer.ts";
import type { Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { openRoot, type Root } from "../os/file_system.ts";
import { collectText } from "../stream/collect.ts";
import { contextMissing } from "./context_error.ts";
import type { ContextSource } from "./context_source.ts";
import { type ContextTreeOptions, createContextTree } from "./context_tree.ts";
import { resolveLinks } from "./context_resolve.ts";

export { type ContextSource, parseContextSource } from "./context_source.ts";

/** Largest text file that a build reads whole, such as a Dockerfile. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** What opening a context needs. */
export interface OpenContextOptions {
  /** Where an archive is kept while it is read. */
  readonly store: Store;
  /** Directory of the digest database, made when missing; undefined reads every file for every build. */
  readonly stateDirectory?: string | undefined;
  /** Tells the time. */
  readonly clock: () => Date;
  /** Downloads the content of an http or https URL. */
  readonly download: (url: string, call: Call) => Promise<ByteStream>;
  /** Protocols git may use; https, http, ssh and git when left out. */
  readonly gitProtocols?: readonly string[];
}

/** A build context that is open. */
export interface OpenedContext extends AsyncDisposable {
  /** The files, without what the ignore patterns leave out. Lives as long as the context. */
  tree(exclude: readonly string[]): Tree;
  /**
   * A text file of at most 1 MiB, be it left out by patterns or not, symlinks followed inside the context; undefined
   * when absent. Rejects `INVALID_ARGUMENT` when it is larger, not UTF-8 or not a regular file.
   */
  readFile(path: string, call: Call): Promise<string | undefined>;
}

/** A build file that was found in a context. */
export interface ContextBuildFile {
  /** Path in the context. */
  readonly path: string;
  /** Whole text. */
  readonly text: string;
}

/**
 * Opens a context. An archive, compressed or not, is put into the store and read there, without `.dockerignore`; the
 * URL of anything but an archive is that of a Dockerfile without other files. Rejects `NOT_FOUND` for a directory that
 * is absent, `INVALID_ARGUMENT` for a damaged archive or a URL of no known kind, and what the store, the download and
 * git reject.
 */
export async function openContext(
  source: ContextSource,
  options: OpenContextOptions,
  call: Call,
): Promise<OpenedContext> {
  switch (source.type) {
    case "directory":
      return await openDirectory(source.path, options);
    case "tar": {
      const { openArchive } = await import("./context_archive.ts");
      return contextOf((await openArchive(source.stream, options.store, call)).tree);
    }
    case "url": {
      const { openDownload } = await import("./context_archive.ts");
      const found = await openDownload(await options.download(source.url, call), options.store, call);
      return "text" in found ? onlyBuildFile(found.text) : contextOf(found.tree);
    }
    case "git":
      return await openGit(source, options, call);
  }
}

/**
 * The build file of a context: the named one, else `Dockerfile`, else `dockerfile`. Undefined when there is none of
 * them. Rejects as {@linkcode OpenedContext.readFile} does.
 */
export async function findBuildFile(
  context: OpenedContext,
  name: string | undefined,
  call: Call,
): Promise<ContextBuildFile | undefined> {
  for (const path of name === undefined ? ["Dockerfile", "dockerfile"] : [name]) {
    const text = await context.readFile(path, call);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

async function openDirectory(path: string, options: OpenContextOptions): Promise<OpenedContext> {
  const root = openContextRoot(path);
  const database = await openDatabase(options);
  return directoryContext(root, { clock: options.clock, database }, () => {
    database?.[Symbol.dispose]();
    return Promise.resolve();
  });
}

function openContextRoot(path: string): Root {
  try {
    return openRoot(path);
  } catch (error) {
    throw contextMissing(path, error);
  }
}

async function openDatabase(options: OpenContextOptions): Promise<ContextTreeOptions["database"]> {
  const { stateDirectory, clock } = options;
  if (stateDirectory === undefined) return undefined;
  // Without the directory there is no database, and without a database files are read again: neither is worth failing
  // for.
  await Deno.mkdir(stateDirectory, { recursive: true }).catch(() => {});
  const { openDigestDatabase } = await import("./digest_database.ts");
  return openDigestDatabase(`${stateDirectory}/context.sqlite`, clock);
}

async function openGit(
  source: ContextSource & { readonly type: "git" },
  options: OpenContextOptions,
  call: Call,
): Promise<OpenedContext> {
  const { checkoutGit } = await import("../os/git.ts");
  const { url, keepGitDir = false, checksum } = source;
  const protocols = options.gitProtocols;
  const how = { keepGitDir, checksum, ...(protocols === undefined ? undefined : { protocols }) };
  const checkout = await checkoutGit(url, how, call);
  try {
    const root = openFolder(checkout.path, checkout.directory);
    const treeOptions = { clock: options.clock, checkedOutAt: checkout.committedAt };
    return directoryContext(root, treeOptions, () => checkout[Symbol.asyncDispose]());
  } catch (error) {
    await checkout[Symbol.asyncDispose]();
    throw error;
  }
}

/** Opens a folder of a checkout; symlinks on the way are followed inside the checkout. */
function openFolder(path: string, folder: string): Root {
  const whole = openRoot(path);
  if (folder === ".") return whole;
  using checkout = whole;
  const resolved = resolveLinks(folder, (at) => {
    return checkout.lstat(at)?.type === "symlink" ? checkout.readLink(at) : undefined;
  });
  if (checkout.lstat(resolved)?.type === "directory") return openRoot(`${checkout.path}/${resolved}`);
  throw new EngineError("NOT_FOUND", `Cannot find folder "${folder}" in the git repository: no such directory`, {
    detail: { kind: "folder", name: folder },
    hint: "Check the folder after the colon of the URL",
  });
}

function directoryContext(root: Root, options: ContextTreeOptions, close: () => PromiseLike<void>): OpenedContext {
  const all = createContextTree(root, { ...options, database: undefined });
  return {
    tree: (exclude) => createContextTree(root, { ...options, exclude }),
    readFile: (path, call) => readText(all, path, call),
    async [Symbol.asyncDispose](): Promise<void> {
      root[Symbol.dispose]();
      await close();
    },
  };
}

function contextOf(tree: (exclude: readonly string[]) => Tree): OpenedContext {
  const all = tree([]);
  return {
    tree,
    readFile: (path, call) => readText(all, path, call),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The context that the URL of a Dockerfile makes: no files, and the Dockerfile under its default name. */
async function onlyBuildFile(text: string): Promise<OpenedContext> {
  const { emptyContextTree } = await import("./context_archive.ts");
  return {
    tree: emptyContextTree,
    readFile: (path) => Promise.resolve(path === "Dockerfile" ? text : undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function readText(tree: Tree, path: string, call: Call): Promise<string | undefined> {
  const entry = await tree.stat(path, call);
  if (entry === undefined) return undefined;
  if (entry.type !== "file") {
    throw new EngineError("INVALID_ARGUMENT", `Cannot read "${path}": it is a ${entry.type}, expected a file`, {
      detail: { field: "path", value: path },
    });
  }
  try {
    return await collectText(await tree.read(path, call), MAX_TEXT_BYTES);
  } catch (cause) {
    if (!isEngineError(cause) || cause.code !== "INVALID_ARGUMENT") throw cause;
    const state = entry.size > MAX_TEXT_BYTES ? `it is larger than ${MAX_TEXT_BYTES} bytes` : "it is not UTF-8 text";
    throw new EngineError("INVALID_ARGUMENT", `Cannot read "${path}": ${state}`, {
      cause,
      detail: { field: "path", value: path },
    });
  }
}
