import { storeEncodedIndex } from "../build/layer_files.ts";
import { createLayerReader, type ReadLayer } from "../build/layer_reader.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSink } from "../contract/content.ts";
import type { NameChange, Store } from "../contract/store.ts";
import { isEngineError } from "../errors.ts";
import type { LayerFacts } from "../layer/index_worker.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { kindOf } from "./content_kind.ts";

/** The store as a place to copy images to: each new layer is unpacked and read as soon as it is there. Disposing ends what is under way. */
export interface CheckingSink extends ContentSink, Disposable {
  /** Waits until every layer is read; gives the diffIDs by digest. A layer that could not be read is left out. */
  diffIds(): Promise<ReadonlyMap<Digest, Digest>>;
  /** Layers and configs that were asked for, new ones and those that were there. */
  readonly blobs: readonly Descriptor[];
}

/** Makes a sink that writes to a store and keeps the tables of contents of the layers there. */
export function createCheckingSink(store: Store, call: Call): CheckingSink {
  const found = new Map<Digest, Digest>();
  const reading: Promise<void>[] = [];
  const controller = new AbortController();
  const inside: Call = { signal: AbortSignal.any([call.signal, controller.signal]), emit: call.emit };
  const noting = createNotingSink(store);
  const readLayer = createLayerReader(store);
  const read = async (descriptor: Descriptor): Promise<void> => {
    const facts = await readFacts(readLayer, descriptor, inside);
    if (facts === undefined) return;
    const change: NameChange = await storeEncodedIndex(store, facts, inside);
    await store.update([change], inside);
    found.set(descriptor.digest, facts.diffId);
  };
  return {
    ...noting,
    async put(descriptor, open, inner): Promise<void> {
      await noting.put(descriptor, open, inner);
      if (kindOf(descriptor) !== "layer") return;
      const done = read(descriptor);
      done.catch(() => {});
      reading.push(done);
    },
    async diffIds(): Promise<ReadonlyMap<Digest, Digest>> {
      await Promise.all(reading);
      return found;
    },
    [Symbol.dispose]: () => controller.abort(),
  };
}

/** What is in a layer; undefined for what is none, which only matters where an image says that it is one. */
async function readFacts(read: ReadLayer, descriptor: Descriptor, call: Call): Promise<LayerFacts | undefined> {
  try {
    return await read(descriptor, call);
  } catch (error) {
    if (isEngineError(error) && ["INVALID_ARGUMENT", "UNSUPPORTED"].includes(error.code)) return undefined;
    throw error;
  }
}

/** The store as a place to copy images to, which notes what was asked for; layers stay unread. */
export function createNotingSink(store: Store): ContentSink & Pick<CheckingSink, "blobs"> {
  const blobs: Descriptor[] = [];
  return {
    blobs,
    has: (descriptor, call) => {
      if (["layer", "config"].includes(kindOf(descriptor))) blobs.push(descriptor);
      return store.has(descriptor, call);
    },
    put: (descriptor, open, call) => store.put(descriptor, open, call),
    tag: (descriptor, name, call) => store.tag(descriptor, name, call),
  };
}
