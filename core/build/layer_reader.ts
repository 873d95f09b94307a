import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { LayerFacts, LayerFile } from "../layer/index_worker.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { throwIfAborted, unlessAborted } from "../stream/abort.ts";
import { createWorkerPool } from "../stream/worker_pool.ts";
import { createLimit } from "./limit.ts";

/**
 * Reads whole layers of a store, large ones in threads, several at once: gives the diffID and the table of contents of each. Rejects
 * `NOT_FOUND`, and as `indexLayer` does; what a thread does ends when the call is canceled.
 */
export type ReadLayer = (descriptor: Descriptor, call: Call) => Promise<LayerFacts>;

/** Most threads that read layers. */
const maxThreads = 4;
/** A layer of fewer bytes is read by this thread: starting another one takes longer. */
const smallBytes = 1 << 20;

/** Makes a reader of layers. */
export function createLayerReader(store: Store): ReadLayer {
  const limit = createLimit(Math.min(navigator.hardwareConcurrency, maxThreads));
  return async (descriptor, call) => {
    const path = descriptor.size < smallBytes ? undefined : store.localPath(descriptor.digest);
    if (path === undefined || !await store.has(descriptor, call)) return await readHere(store, descriptor, call);
    return await limit(() => readInThread({ path, descriptor }, call));
  };
}

async function readHere(store: Store, descriptor: Descriptor, call: Call): Promise<LayerFacts> {
  const { encodeLayerIndex, fileBytes, indexLayer } = await import("../layer/index.ts");
  const { diffId, index } = await indexLayer(await store.open(descriptor, call), descriptor, call);
  return { diffId, index: encodeLayerIndex(index), fileBytes: fileBytes(index) };
}

async function readInThread(file: LayerFile, { signal }: Call): Promise<LayerFacts> {
  throwIfAborted(signal);
  // One for each layer: it takes far less time than reading a layer, and can be ended alone.
  using pool = createWorkerPool<LayerFile, LayerFacts>(new URL("../layer/index_worker.ts", import.meta.url), 1);
  return await unlessAborted(pool.run(file), signal);
}
