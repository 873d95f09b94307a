import type { ByteStream, Descriptor, LayerContext, LayerEntry, Scratch, Tree } from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import { sha256 } from "../oci/digest.ts";

/**
 * What a layer context for a test may differ in.
 *
 * @example An operation on no tree at a known time
 * ```ts
 * import type { LayerContextOptions } from "@strata/strata/conformance";
 *
 * const options: LayerContextOptions = { inputs: [], sourceDateEpoch: 0 };
 * console.log(options.sourceDateEpoch);
 * ```
 */
export interface LayerContextOptions {
  /** Trees of the node's inputs. */
  readonly inputs?: readonly Tree[];
  /** Seconds since the Unix epoch. */
  readonly sourceDateEpoch?: number;
  /** Shared between contexts to stand for several builds on one store. */
  readonly scratch?: Scratch;
  /** What stands in for running commands; it rejects when left out. */
  readonly run?: LayerContext["run"];
  /** Aborts the step. */
  readonly signal?: AbortSignal;
}

/**
 * A layer context without a build around it; it can run nothing unless it is given what does.
 *
 * @example Look at a file of the first input
 * ```ts
 * import { createLayerContext, createMemoryTree, files } from "@strata/strata/conformance";
 *
 * const context = createLayerContext({ inputs: [createMemoryTree(files({ "a": "1\n" }))] });
 * console.log(await context.inputs[0]?.list("/", context));
 * ```
 */
export function createLayerContext(options: LayerContextOptions = {}): LayerContext {
  return {
    signal: options.signal ?? new AbortController().signal,
    emit: () => {},
    platform: { os: "linux", architecture: "amd64" },
    sourceDateEpoch: options.sourceDateEpoch,
    inputs: options.inputs ?? [],
    run: options.run ?? (() => {
      throw new EngineError("UNSUPPORTED", "Cannot run a command: a test has no runtime");
    }),
    scratch: options.scratch ?? createMemoryScratch(),
  };
}

/**
 * A scratch in memory. `forget` drops content, as a prune does.
 *
 * @example Keep something for the next time
 * ```ts
 * import { createMemoryScratch } from "@strata/strata/conformance";
 *
 * const scratch = createMemoryScratch();
 * const descriptor = await scratch.ingest(new Blob(["hello"]).stream(), 100);
 * await scratch.remember("greeting", descriptor);
 * console.log((await scratch.recall("greeting"))?.size);
 * ```
 */
export function createMemoryScratch(): Scratch & { forget(): void } {
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  const names = new Map<string, Descriptor>();
  return {
    recall: (key) => {
      const found = names.get(key);
      return Promise.resolve(found !== undefined && contents.has(found.digest) ? found : undefined);
    },
    ingest: async (content, maxBytes) => {
      const bytes = await readAll(content, maxBytes);
      const digest = await sha256(bytes);
      contents.set(digest, bytes);
      return { mediaType: "application/octet-stream", digest, size: bytes.length };
    },
    remember: (key, descriptor) => {
      names.set(key, descriptor);
      return Promise.resolve();
    },
    open: (descriptor) => (offset = 0) => {
      const bytes = contents.get(descriptor.digest);
      if (bytes === undefined) return Promise.reject(new EngineError("NOT_FOUND", "Cannot open content: not found"));
      return Promise.resolve(new Blob([bytes.subarray(offset)]).stream());
    },
    forget: () => contents.clear(),
  };
}

/** Bytes of a layer's regular file. */
export async function readContent(entry: LayerEntry | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (entry?.type !== "file") throw new EngineError("INVALID_ARGUMENT", "Cannot read content: the entry is no file");
  if (entry.content instanceof Uint8Array) return entry.content;
  return await readAll(await entry.content(), Infinity);
}

async function readAll(stream: ByteStream, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new EngineError("INVALID_ARGUMENT", `Cannot store content: more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
