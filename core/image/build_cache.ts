import type { SharedCache } from "../build/cache.ts";
import type { SolvedGraph } from "../build/solve.ts";
import type { ByteStream, Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import type { BuildInput } from "./build_input.ts";
import type { RegistryEngine } from "./registry.ts";
import type { RemoteLayers } from "./remote_layers.ts";
import type { OpenedCache } from "./shared_cache.ts";

/** The store of a build with everything that it stands in front of: base images in registries, and caches that others share. */
export interface BuildCache extends AsyncDisposable {
  /** The store, which fetches a layer that was met elsewhere when it is opened. */
  readonly store: Store;
  /** Caches besides the store; undefined when none is asked and none is told. */
  readonly shared: SharedCache | undefined;
  /** Fetches those of some layers that come from shared caches. */
  fetchCached(layers: readonly Descriptor[], call: Call): Promise<void>;
  /** Fetches those of some layers that the store does not have. */
  obtain(layers: readonly Descriptor[], call: Call): Promise<void>;
  /** Where layers are that were met elsewhere, by digest. */
  origins(): ReadonlyMap<Digest, Reference>;
  /** Whether a shared cache did not give what it had promised, so that the build is to be tried again, without it. */
  drop(): Promise<boolean>;
  /** Keeps what the build has where the input says. */
  keep(graphs: readonly SolvedGraph[], call: Call): Promise<void>;
}

/** Opens what a build takes layers from. Rejects `INVALID_ARGUMENT` for a cache whose name is no reference. */
export async function openBuildCache(
  engine: RegistryEngine,
  { input, remote }: { readonly input: BuildInput; readonly remote: RemoteLayers },
  call: Call,
): Promise<BuildCache> {
  const { cacheFrom = [], cacheTo = [] } = input;
  if (cacheFrom.length + cacheTo.length === 0) return withoutCaches(remote);
  const [{ openSharedCache }, { keepCache, nameOfCache }] = await Promise.all([
    import("./shared_cache.ts"),
    import("./cache_keep.ts"),
  ]);
  cacheTo.forEach((to) => nameOfCache(engine, to));
  const opened = openSharedCache(engine, input, call);
  const store = lazyStore(remote, opened);
  const origins = (): ReadonlyMap<Digest, Reference> => new Map([...opened.origins(), ...remote.origins()]);
  return {
    ...withoutCaches(remote),
    store,
    shared: opened.shared,
    fetchCached: (layers, inner) => opened.obtain(layers, inner),
    obtain: async (layers, inner) => {
      await opened.obtain(layers, inner);
      await remote.obtain(layers, inner);
    },
    origins,
    drop: () => opened.drop(),
    keep: async (graphs, inner) => {
      const results = new Set(graphs.flatMap(({ chain }) => chain.layers.map(({ diffId }) => diffId)));
      const cache = { kept: opened.kept.values(), results, origins: origins() };
      for (const to of cacheTo) await keepCache({ ...engine, store }, { cache, to }, inner);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function withoutCaches(remote: RemoteLayers): BuildCache {
  return {
    store: remote.store,
    shared: undefined,
    fetchCached: () => Promise.resolve(),
    obtain: (layers, call) => remote.obtain(layers, call),
    origins: () => remote.origins(),
    drop: () => Promise.resolve(false),
    keep: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function lazyStore({ store }: RemoteLayers, opened: OpenedCache): Store {
  return {
    ...store,
    async open(descriptor, call, offset): Promise<ByteStream> {
      await opened.obtain([descriptor], call);
      return await store.open(descriptor, call, offset);
    },
  };
}
