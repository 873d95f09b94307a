import { type KeptLayer, rememberLayer } from "../build/cache.ts";
import type { ChainLayer } from "../build/chain.ts";
import { createLimit } from "../build/limit.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import type { Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { SharedWork } from "../stream/shared_work.ts";
import { createGraphCopier } from "./graph_copier.ts";
import { createCheckingSink } from "./layer_check.ts";
import { noteOrigins } from "./origin.ts";

/** Layers that are fetched at once. */
const fetchJobs = 4;

/** Where a shared cache is read from. */
export interface CachePlace {
  /** What messages call it. */
  readonly name: string;
  /** Checks what it gives. */
  readonly source: ContentSource;
  /** Its repository; undefined when it is a folder. */
  readonly reference: Reference | undefined;
}

/** Layers of shared caches that a build has found, fetched when they are needed. */
export interface CacheLayers {
  /** Takes note of a layer that was found; remembered in the store as soon as that has it. */
  add(kept: KeptLayer, place: CachePlace): void;
  /** Fetches those of some layers that the store does not have. Rejects `NOT_FOUND`, `CONTENT_MISMATCH`, and as the transport does. */
  obtain(layers: readonly Descriptor[], call: Call): Promise<void>;
  /** Repositories that layers are in, by digest. */
  origins(): ReadonlyMap<Digest, Reference>;
  /** Forgets what was found, when nothing is being fetched any more. */
  reset(): Promise<void>;
}

interface FoundLayer {
  readonly place: CachePlace;
  readonly kept: KeptLayer[];
}

/** Failures that are no fault of the cache. */
const ownFailures: readonly string[] = ["CANCELED", "OS_FAILED", "INTERNAL"];

/** Makes an empty set. `onBroken` is told of a place that did not give a layer as it had promised. */
export function createCacheLayers(
  engine: { readonly store: Store; readonly clock: () => Date },
  onBroken: (place: CachePlace, error: EngineError) => void,
): CacheLayers {
  const found = new Map<Digest, FoundLayer>();
  const fetched = new SharedWork<Digest, void>();
  const limit = createLimit(fetchJobs);
  const load = (layer: FoundLayer, call: Call): Promise<void> =>
    limit(() => fetchLayer(engine, layer, call)).catch((error) => {
      if (isEngineError(error) && !call.signal.aborted && !ownFailures.includes(error.code)) {
        onBroken(layer.place, error);
      }
      throw error;
    });
  const fetchOnce = async (digest: Digest, call: Call): Promise<void> => {
    const layer = found.get(digest);
    if (layer !== undefined) await fetched.get(digest, (inner) => load(layer, inner), call);
  };
  return {
    add(kept, place): void {
      const { digest } = kept.layer.descriptor;
      const layer = found.get(digest) ?? { place, kept: [] };
      if (layer.kept.some(({ key }) => key === kept.key)) return;
      layer.kept.push(kept);
      found.set(digest, layer);
      // It is to be checked against this record too, and named by it.
      fetched.forget(digest);
    },
    obtain: async (layers, call) => {
      await Promise.all(layers.map(({ digest }) => fetchOnce(digest, call)));
    },
    origins: () =>
      new Map(
        [...found].flatMap(([digest, { place: { reference } }]) =>
          reference === undefined ? [] : [[digest, reference]]
        ),
      ),
    async reset(): Promise<void> {
      await fetched.clear();
      found.clear();
    },
  };
}

/** Brings a layer into the store, checks that it is the one that was meant, and remembers it. */
async function fetchLayer(
  { store, clock }: { readonly store: Store; readonly clock: () => Date },
  { place: { source, reference }, kept }: FoundLayer,
  call: Call,
): Promise<void> {
  throwIfAborted(call.signal);
  const [first] = kept;
  if (first === undefined) return;
  const { descriptor } = first.layer;
  const actual = await store.has(descriptor, call)
    ? undefined
    : await copyLayer({ store, clock }, { descriptor, source }, call);
  for (const { layer } of kept) {
    if (descriptor.digest !== layer.diffId) check(layer, actual ?? await readDiffId(store, descriptor, call));
  }
  const origins = reference === undefined ? [] : await noteOrigins(store, { reference, blobs: [descriptor] }, call);
  const records = await Promise.all(kept.map((each) => rememberLayer(store, each, call)));
  await store.update([...origins, ...records.flat()], call);
}

/** The diffID of a layer that was copied; undefined when it has come from elsewhere meanwhile, or is no layer. */
async function copyLayer(
  { store, clock }: { readonly store: Store; readonly clock: () => Date },
  { descriptor, source }: { readonly descriptor: Descriptor; readonly source: ContentSource },
  call: Call,
): Promise<Digest | undefined> {
  using sink = createCheckingSink(store, call);
  await createGraphCopier({ from: source, to: sink, clock }, call).copy(descriptor);
  return (await sink.diffIds()).get(descriptor.digest);
}

async function readDiffId(store: Store, descriptor: Descriptor, call: Call): Promise<Digest> {
  const { indexLayer } = await import("../layer/index.ts");
  return (await indexLayer(await store.open(descriptor, call), descriptor, call)).diffId;
}

function check({ descriptor: { digest }, diffId }: ChainLayer, actual: Digest): void {
  if (actual === diffId) return;
  throw new EngineError("CONTENT_MISMATCH", `Cannot use layer "${digest}" of a cache: its diffID is ${actual}`, {
    detail: { expected: diffId, actual },
  });
}
