import { fileBytes, storeEncodedIndex } from "../build/layer_files.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSink } from "../contract/content.ts";
import type { NameChange, Store } from "../contract/store.ts";
import { isEngineError } from "../errors.ts";
import type { LayerFacts, LayerFile } from "../layer/index_worker.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { canceled } from "../stream/abort.ts";
import { createWorkerPool, type WorkerPool } from "../stream/worker_pool.ts";
import { kindOf } from "./content_kind.ts";

/** The store as a place to copy images to: each new layer is unpacked and read as soon as it is there. Disposing ends what is under way. */
export interface CheckingSink extends ContentSink, Disposable {
  /** Waits until every layer is read; gives the diffIDs by digest. A layer that could not be read is left out. */
  diffIds(): Promise<ReadonlyMap<Digest, Digest>>;
  /** Layers and configs that were asked for, new ones and those that were there. */
  readonly blobs: readonly Descriptor[];
}

/** Most threads that read layers. */
const maxThreads = 4;
/** A layer of fewer bytes is read by this thread: starting another one takes longer. */
const smallBytes = 1 << 20;

/** Makes a sink that writes to a store and keeps the tables of contents of the layers there. */
export function createCheckingSink(store: Store, call: Call): CheckingSink {
  const found = new Map<Digest, Digest>();
  const reading: Promise<void>[] = [];
  const blobs: Descriptor[] = [];
  let pool: WorkerPool<LayerFile, LayerFacts> | undefined;
  const openPool = (): WorkerPool<LayerFile, LayerFacts> =>
    pool ??= createWorkerPool(
      new URL("../layer/index_worker.ts", import.meta.url),
      Math.min(navigator.hardwareConcurrency, maxThreads),
    );
  const read = async (descriptor: Descriptor): Promise<void> => {
    const facts = await readLayer(store, { descriptor, openPool }, call);
    if (facts === undefined) return;
    const change: NameChange = await storeEncodedIndex(store, facts, call);
    await store.update([change], call);
    found.set(descriptor.digest, facts.diffId);
  };
  return {
    blobs,
    has: (descriptor, inner) => {
      if (["layer", "config"].includes(kindOf(descriptor))) blobs.push(descriptor);
      return store.has(descriptor, inner);
    },
    async put(descriptor, open, inner): Promise<void> {
      await store.put(descriptor, open, inner);
      if (kindOf(descriptor) !== "layer") return;
      const done = read(descriptor);
      done.catch(() => {});
      reading.push(done);
    },
    tag: (descriptor, name, inner) => store.tag(descriptor, name, inner),
    async diffIds(): Promise<ReadonlyMap<Digest, Digest>> {
      await untilAborted(Promise.all(reading), call.signal);
      return found;
    },
    [Symbol.dispose]: () => pool?.[Symbol.dispose](),
  };
}

/** What is in a layer; undefined for what is none, which only matters where an image says that it is one. */
async function readLayer(
  store: Store,
  layer: { readonly descriptor: Descriptor; readonly openPool: () => WorkerPool<LayerFile, LayerFacts> },
  call: Call,
): Promise<LayerFacts | undefined> {
  const { descriptor, openPool } = layer;
  const path = store.localPath(descriptor.digest);
  try {
    if (path !== undefined && descriptor.size >= smallBytes) return await openPool().run({ path, descriptor });
    const { indexLayer, encodeLayerIndex } = await import("../layer/index.ts");
    const { diffId, index } = await indexLayer(await store.open(descriptor, call), descriptor, call);
    return { diffId, index: encodeLayerIndex(index), fileBytes: fileBytes(index) };
  } catch (error) {
    if (isEngineError(error) && ["INVALID_ARGUMENT", "UNSUPPORTED"].includes(error.code)) return undefined;
    throw error;
  }
}

async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(canceled(signal));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
