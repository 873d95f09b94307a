import { reachable } from "../build/solve.ts";
import type { Call, EngineEvent } from "../contract/call.ts";
import type { Tree } from "../contract/layer.ts";
import type { BuildGraph } from "../contract/parse.ts";
import type { NameChange, Store } from "../contract/store.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { NamePrefix, StoreAnnotation } from "../store/names.ts";
import type { BuildInput } from "./build_input.ts";
import type { BuildReads } from "./build_reads.ts";
import {
  type BuildRecord,
  folderMode,
  readAgain,
  type ReadFile,
  type TreeAnswer,
  writeRecord,
} from "./build_record.ts";
import type { BuildResult } from "./build_result.ts";
import { runBuild } from "./build_run.ts";
import { answerOf, entryAnswer, type TreeQuestion } from "./tree_questions.ts";

/** Longest record in UTF-16 code units: that of a build of some thousand steps. */
const MAX_RECORD_LENGTH = 1024 * 1024;
/** Most records that a store has; those written first go first. */
const MAX_RECORDS = 200;
/** Most questions to the context that are noted; a record of more would be too long. */
const MAX_ANSWERS = 3000;
/** Operations that depend on nothing but their arguments and what they read of their inputs. */
const plainKinds: readonly string[] = ["copy", "mkdir", "run"];

/**
 * Builds, and when every step was in the cache keeps what the build read and gave under a name, so that the next build
 * that is asked the same need only look whether all of that is as it was. Rejects as {@linkcode runBuild} does; what
 * cannot be kept is left out.
 */
export async function watchBuild(
  engine: Engine,
  { input, name }: { readonly input: BuildInput; readonly name: string },
  call: Call,
): Promise<BuildResult> {
  const watch = new BuildWatch(contextPath(input));
  // Undefined as soon as there can be no record: what a command prints is not kept in memory.
  let events: EngineEvent[] | undefined = [];
  const emit = (event: EngineEvent): void => {
    if (event.type === "step-log" || event.type === "step-progress") events = undefined;
    else events?.push(event);
    call.emit(event);
  };
  const watched = { ...engine, store: watch.store(engine.store), reads: watch };
  const result = await runBuild(watched, input, { ...call, emit });
  const record = events && await watch.record(result, events);
  if (record !== undefined && !call.signal.aborted) await keepRecord(engine.store, { record, name }, call);
  return result;
}

function contextPath({ context }: BuildInput): string {
  return context.type === "directory" ? absolute(context.path) : "";
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

/** Gathers what a build reads. */
class BuildWatch implements BuildReads {
  readonly #context: string;
  readonly #files = new Map<string, { readonly isOfContext: boolean; readonly text: string | undefined }>();
  readonly #names = new Map<string, Digest | null>();
  readonly #blobs = new Map<Digest, Descriptor>();
  readonly #answers = new Map<string, TreeAnswer>();
  #runsCommands = false;
  /** Whether it read something that a record cannot tell of. */
  #isOpaque = false;

  constructor(context: string) {
    this.#context = context;
  }

  /** The same store, whose readers are seen. */
  store(store: Store): Store {
    return {
      ...store,
      resolve: async (name, call) => {
        const descriptor = await store.resolve(name, call);
        // Those of images are what a build writes in the end; those that it builds on come by `base`.
        if (!name.startsWith(NamePrefix.reference) && !name.startsWith(NamePrefix.image)) {
          this.#note(name, descriptor?.digest ?? null);
        }
        return descriptor;
      },
      has: async (descriptor, call) => {
        const isThere = await store.has(descriptor, call);
        if (isThere) this.#blobs.set(descriptor.digest, descriptor);
        return isThere;
      },
      open: (descriptor, call, offset) => {
        this.#blobs.set(descriptor.digest, descriptor);
        return store.open(descriptor, call, offset);
      },
    };
  }

  file(place: "context" | "host", path: string, text: string | undefined): void {
    const isOfContext = place === "context";
    // A symlink on the way to it is followed inside the context.
    if (isOfContext && path.includes("/")) this.#isOpaque = true;
    const at = isOfContext ? `${this.#context}/${path}` : absolute(path);
    const before = this.#files.get(at);
    if (before !== undefined && before.text !== text) this.#isOpaque = true;
    this.#files.set(at, { isOfContext, text });
  }

  base(name: string | undefined, { digest }: Descriptor): void {
    const before = this.#names.get(`${NamePrefix.reference}${name}`);
    if (name === undefined || (before !== undefined && before !== digest)) this.#isOpaque = true;
    else this.#note(`${NamePrefix.reference}${name}`, digest);
  }

  remote(): void {
    this.#isOpaque = true;
  }

  graphs(graphs: readonly BuildGraph[]): void {
    for (const graph of graphs) {
      for (const id of reachable(graph)) {
        const node = graph.nodes[id];
        const isPlain = node?.type === "layer" ? plainKinds.includes(node.op.kind) : node?.type !== "git";
        if (!isPlain) this.#isOpaque = true;
        if (node?.type === "layer" && (node.op.kind === "run" || node.op.runsCommands)) this.#runsCommands = true;
      }
    }
  }

  layers(layers: readonly Descriptor[]): void {
    for (const layer of layers) this.#blobs.set(layer.digest, layer);
  }

  tree(tree: Tree, exclude: readonly string[]): Tree {
    const opaque = (): void => void (this.#isOpaque = true);
    const note = async <T>(question: TreeQuestion, asked: Promise<T>, textOf: (given: T) => string): Promise<T> => {
      asked.catch(opaque);
      const given = await asked;
      try {
        if (!this.#isOpaque) this.#noteAnswer({ exclude, ...question, answer: textOf(given) });
      } catch {
        // Attributes of a folder that cannot be read: whoever needs them is told so.
        opaque();
      }
      return given;
    };
    return {
      digest: (path, selection, call) => {
        const below = selection.exclude ?? [];
        return note({ method: "digest", path, below }, tree.digest(path, selection, call), answerOf);
      },
      resolve: (path, call) => note({ method: "resolve", path, below: [] }, tree.resolve(path, call), answerOf),
      stat: (path, call) => note({ method: "stat", path, below: [] }, tree.stat(path, call), entryAnswer),
      lstat: (path, call) => note({ method: "lstat", path, below: [] }, tree.lstat(path, call), entryAnswer),
      list: (path, call) => note({ method: "list", path, below: [] }, tree.list(path, call), answerOf),
      read: (path, call) => {
        opaque();
        return tree.read(path, call);
      },
      walk: (path, selection, call) => {
        opaque();
        return tree.walk(path, selection, call);
      },
    };
  }

  /** The record of a build that gave a result; undefined when there can be none, or a step was not in the cache. */
  async record(result: BuildResult, events: readonly EngineEvent[]): Promise<BuildRecord | undefined> {
    const { image, steps } = result;
    const mode = folderMode(this.#context);
    if (this.#isOpaque || image === undefined || !image.isStored || steps.built > 0 || mode === undefined) {
      return undefined;
    }
    // An image that was made just now is found by its parts the next time.
    if (this.#names.entries().some(([name, digest]) => digest === null && name.startsWith(NamePrefix.result))) {
      return undefined;
    }
    const files = await this.#readFiles();
    if (files === undefined) return undefined;
    return {
      context: { path: this.#context, mode },
      files,
      names: [...this.#names],
      blobs: [...this.#blobs.values()].map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      tree: [...this.#answers.values()],
      runsCommands: this.#runsCommands,
      events,
      result: { ...result, image },
    };
  }

  #noteAnswer(answer: TreeAnswer): void {
    const { exclude, method, path, below } = answer;
    this.#answers.set(JSON.stringify([exclude, method, path, below]), answer);
    if (this.#answers.size > MAX_ANSWERS) this.#isOpaque = true;
  }

  /** What a name was when it was first looked up. */
  #note(name: string, digest: Digest | null): void {
    if (!this.#names.has(name)) this.#names.set(name, digest);
  }

  /** The files with the digests of their bytes; undefined when one of them is not what was read any more, or is none of its own. */
  async #readFiles(): Promise<readonly ReadFile[] | undefined> {
    const files: ReadFile[] = [];
    for (const [path, { isOfContext, text }] of this.#files) {
      const bytes = readAgain({ path, isOfContext });
      if (bytes === undefined || (bytes === null ? undefined : new TextDecoder().decode(bytes)) !== text) {
        return undefined;
      }
      files.push({ path, isOfContext, digest: bytes === null ? null : await sha256(bytes) });
    }
    return files;
  }
}

async function keepRecord(
  store: Store,
  { record, name }: { readonly record: BuildRecord; readonly name: string },
  call: Call,
): Promise<void> {
  try {
    const descriptor = await writeRecord(record);
    if ((descriptor.annotations?.[StoreAnnotation.buildRecord]?.length ?? 0) > MAX_RECORD_LENGTH) return;
    if (isSame(await store.resolve(name, call), descriptor)) return;
    await store.update([...await oldRecords(store, name, call), { name, descriptor }], call);
  } catch (error) {
    // The build is done; without a record the next one takes longer.
    if (!isEngineError(error)) throw error;
  }
}

function isSame(before: Descriptor | undefined, after: Descriptor): boolean {
  return [StoreAnnotation.buildRecord, StoreAnnotation.buildRecordDigest].every((key) =>
    before?.annotations?.[key] === after.annotations?.[key]
  );
}

/** Takes away what is more than a store has, one more to come. */
async function oldRecords(store: Store, coming: string, call: Call): Promise<readonly NameChange[]> {
  const records: { readonly name: string; readonly at: number }[] = [];
  for await (const { name, updatedAt } of store.names(NamePrefix.build, call)) {
    if (name !== coming) records.push({ name, at: updatedAt?.getTime() ?? 0 });
  }
  const excess = Math.max(0, records.length + 1 - MAX_RECORDS);
  return records.sort((a, b) => a.at - b.at).slice(0, excess).map(({ name }) => ({ name, descriptor: undefined }));
}
