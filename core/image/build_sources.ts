import { type ImageContent, readImage } from "../build/base_image.ts";
import { type ContextSource, openContext, type OpenedContext } from "../build/context.ts";
import type { SourceProvider, SourceState } from "../build/node_state.ts";
import type { Call } from "../contract/call.ts";
import type { BaseImage } from "../contract/image_config.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { readIgnoreFile } from "../path/match.ts";
import { SharedWork } from "../stream/shared_work.ts";
import { findBase, importLayout } from "./base_lookup.ts";
import type { BuildInput, NamedContext } from "./build_input.ts";
import type { BuildEngine } from "./build_reads.ts";
import type { RemoteLayers } from "./remote_layers.ts";

/** Everything that a build reads besides the cache. Opened when first asked for, once; disposing closes it. */
export interface BuildSources extends SourceProvider, AsyncDisposable {
  /** A text file of the build context; undefined when absent. */
  readContextFile(path: string, call: Call): Promise<string | undefined>;
  /** Names in a folder of the build context, sorted. Rejects `NOT_FOUND`. */
  readContextNames(path: string, call: Call): Promise<readonly string[]>;
  /** What `FROM` names. Rejects `NOT_FOUND`. */
  base(query: { readonly reference: string; readonly platform: Platform }, call: Call): Promise<BaseImage>;
}

/** What a named context turns out to be. */
type Found = { readonly type: "image"; readonly image: ImageContent } | {
  readonly type: "files";
  readonly context: OpenedContext;
};

/** Opens the sources of a build. The caller holds a lease of the store as long as they are open. */
export function openBuildSources(engine: BuildEngine, remote: RemoteLayers, input: BuildInput): BuildSources {
  return new Sources(engine, remote, input);
}

class Sources implements BuildSources {
  readonly #engine: BuildEngine;
  readonly #remote: RemoteLayers;
  readonly #input: BuildInput;
  readonly #contexts = new SharedWork<string, OpenedContext>();
  readonly #images = new SharedWork<Digest, ImageContent>();
  readonly #opened = new AsyncDisposableStack();

  constructor(engine: BuildEngine, remote: RemoteLayers, input: BuildInput) {
    this.#engine = engine;
    this.#remote = remote;
    this.#input = input;
  }

  async readContextFile(path: string, call: Call): Promise<string | undefined> {
    return await (await this.#main(call)).readFile(path, call);
  }

  async readContextNames(path: string, call: Call): Promise<readonly string[]> {
    const tree = (await this.#main(call)).tree([]);
    return await (this.#engine.reads?.tree(tree, []) ?? tree).list(path, call);
  }

  async base(
    { reference, platform }: { readonly reference: string; readonly platform: Platform },
    call: Call,
  ): Promise<BaseImage> {
    const context = this.#input.contexts?.[reference];
    const found = context === undefined
      ? await this.#fromStore(reference, platform, call)
      : await this.#named({ name: reference, context, platform }, call);
    if (found.type === "files") {
      throw new EngineError("NOT_FOUND", `Cannot use build context "${reference}" as an image: it holds files`, {
        detail: { kind: "image", name: reference },
      });
    }
    const { descriptor, config } = found.image;
    return { descriptor, platform: found.image.platform, config: config.config ?? {} };
  }

  image(descriptor: Descriptor, call: Call): Promise<ImageContent> {
    return this.#images.get(descriptor.digest, (inner) => readImage(this.#engine.store, descriptor, inner), call);
  }

  async context(
    source: { readonly name: string; readonly exclude: readonly string[]; readonly platform: Platform },
    call: Call,
  ): Promise<SourceState> {
    const { name, exclude, platform } = source;
    if (name === "") {
      const tree = (await this.#main(call)).tree(exclude);
      return { type: "tree", tree: this.#engine.reads?.tree(tree, exclude) ?? tree };
    }
    const context = this.#input.contexts?.[name];
    if (context === undefined) throw new EngineError("INTERNAL", `Cannot open build context "${name}": not given`);
    const found = await this.#named({ name, context, platform }, call);
    if (found.type === "image") return found;
    const own = context.type === "directory" ? await found.context.readFile(".dockerignore", call) : undefined;
    const patterns = own === undefined ? exclude : [...exclude, ...readIgnoreFile(own)];
    return { type: "tree", tree: found.context.tree(patterns) };
  }

  async git(
    { url, keepGitDir, checksum }: { readonly url: string; readonly keepGitDir: boolean; readonly checksum?: string },
    call: Call,
  ): Promise<ReturnType<OpenedContext["tree"]>> {
    const source: ContextSource = { type: "git", url, keepGitDir, ...(checksum === undefined ? {} : { checksum }) };
    // A name of --build-context never holds a line break, so the two kinds of keys cannot meet.
    const key = `git\n${JSON.stringify([url, keepGitDir, checksum])}`;
    return (await this.#open(key, source, call)).tree([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#contexts.idle();
    await this.#opened.disposeAsync();
  }

  async #named(
    query: { readonly name: string; readonly context: NamedContext; readonly platform: Platform },
    call: Call,
  ): Promise<Found> {
    const { name, context, platform } = query;
    if (context.type === "image") return await this.#fromStore(context.reference, platform, call);
    if (context.type !== "oci-layout") return { type: "files", context: await this.#open(name, context, call) };
    const manifest = await importLayout(this.#engine, { context, platform }, call);
    return { type: "image", image: await this.image(manifest, call) };
  }

  async #fromStore(reference: string, platform: Platform, call: Call): Promise<Extract<Found, { type: "image" }>> {
    const query = { reference, platform, pull: this.#input.pull === true };
    const manifest = await findBase(this.#engine, { ...query, remote: this.#remote }, call);
    return { type: "image", image: await this.image(manifest, call) };
  }

  #main(call: Call): Promise<OpenedContext> {
    const { context, args } = this.#input;
    const isKept = context.type === "git" && isTrue(args?.[keepGitDirName]);
    return this.#open("", isKept ? { ...context, keepGitDir: true } : context, call);
  }

  #open(name: string, source: ContextSource, call: Call): Promise<OpenedContext> {
    const { store, clock, config } = this.#engine;
    const options = {
      store,
      clock,
      stateDirectory: config.root,
      download: async (url: string, inner: Call) => (await import("./download.ts")).download(this.#engine, url, inner),
    };
    const open = async (inner: Call): Promise<OpenedContext> =>
      this.#opened.use(await openContext(source, options, inner));
    return this.#contexts.get(name, open, call);
  }
}

/** Build argument that keeps the `.git` folder of a context that is a repository, as BuildKit has it. */
const keepGitDirName = "BUILDKIT_CONTEXT_KEEP_GIT_DIR";

function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(?:1|t|true)$/i.test(text);
}
