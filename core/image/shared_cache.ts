import type { KeptLayer, SharedCache } from "../build/cache.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { familiarReference, type Reference } from "../oci/reference.ts";
import { verifiedSource } from "../store/verified.ts";
import type { BuildInput, CacheFrom } from "./build_input.ts";
import { type CacheLayers, type CachePlace, createCacheLayers } from "./cache_layers.ts";
import { readCacheManifest } from "./cache_manifest.ts";
import { openRepository, readRemoteReference, type RegistryEngine, resolveRemote } from "./registry.ts";

/** The caches that a build has in common with others. */
export interface OpenedCache extends AsyncDisposable {
  readonly shared: SharedCache;
  /** Layers that the build has, by key. */
  readonly kept: ReadonlyMap<string, KeptLayer>;
  /** Fetches those of some layers that were found in a cache and are not in the store. */
  obtain(layers: readonly Descriptor[], call: Call): Promise<void>;
  /** Where layers are that were found so far, by digest. */
  origins(): ReadonlyMap<Digest, Reference>;
  /** Whether a cache did not give what it had promised, so that the build is to be tried again; that cache is not asked again then. */
  drop(): Promise<boolean>;
}

/** What was read of one cache. */
interface Imported {
  readonly place: CachePlace;
  readonly byKey: ReadonlyMap<string, KeptLayer>;
  readonly byShortcut: ReadonlyMap<string, string>;
  readonly operations: ReadonlySet<string>;
}

/**
 * Opens the caches of a build, which are read when the first layer is asked for that the store does not have. Throws `INVALID_ARGUMENT` for
 * what is no reference.
 */
export function openSharedCache(
  engine: RegistryEngine & { readonly store: Store },
  { cacheFrom = [] }: Pick<BuildInput, "cacheFrom">,
  call: Call,
): OpenedCache {
  return new Opened(engine, cacheFrom, call);
}

class Opened implements OpenedCache {
  readonly kept = new Map<string, KeptLayer>();
  readonly shared: SharedCache;
  readonly #engine: RegistryEngine;
  readonly #from: readonly (CacheFrom & { readonly label: string })[];
  readonly #call: Call;
  readonly #ending = new AbortController();
  readonly #resources = new AsyncDisposableStack();
  readonly #layers: CacheLayers;
  readonly #broken = new Set<CachePlace>();
  #isFailing = false;
  #reading: Promise<readonly Imported[]> | undefined;

  constructor(engine: RegistryEngine, from: readonly CacheFrom[], call: Call) {
    this.#engine = engine;
    this.#from = from.map((each) => ({ ...each, label: labelOf(engine, each) }));
    this.#call = { signal: AbortSignal.any([call.signal, this.#ending.signal]), emit: call.emit };
    this.#layers = createCacheLayers(engine, (place, error) => this.#giveUp(place, error));
    this.shared = {
      find: async (key) => {
        for (const { byKey, place } of await this.#read()) {
          const found = byKey.get(key);
          if (found === undefined) continue;
          this.#layers.add(found, place);
          return found.layer;
        }
        return undefined;
      },
      findKey: async (shortcut) => (await this.#read()).flatMap(({ byShortcut }) => byShortcut.get(shortcut) ?? [])[0],
      hasOperation: async (operation) => (await this.#read()).some(({ operations }) => operations.has(operation)),
      note: (kept) => void this.kept.set(kept.key, kept),
    };
  }

  obtain(layers: readonly Descriptor[], call: Call): Promise<void> {
    return this.#layers.obtain(layers, call);
  }

  origins(): ReadonlyMap<Digest, Reference> {
    return this.#layers.origins();
  }

  async drop(): Promise<boolean> {
    if (!this.#isFailing || this.#call.signal.aborted) return false;
    this.#isFailing = false;
    await this.#layers.reset();
    this.kept.clear();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#reading?.catch(() => {});
    await this.#layers.reset();
    await this.#resources.disposeAsync();
  }

  #giveUp(place: CachePlace, error: EngineError): void {
    this.#isFailing = true;
    if (this.#broken.has(place)) return;
    this.#broken.add(place);
    warn(this.#call, `Cache "${place.name}" is not used any more: ${error.message}`);
  }

  async #read(): Promise<readonly Imported[]> {
    this.#reading ??= Promise.all(this.#from.map((from) => this.#readOne(from))).then((all) => all.flat());
    return (await this.#reading).filter(({ place }) => !this.#broken.has(place));
  }

  /** What a cache holds; nothing, and a warning, when it cannot be read. */
  async #readOne(from: CacheFrom & { readonly label: string }): Promise<readonly Imported[]> {
    const name = from.label;
    const step = `cache import ${name}`;
    const { emit, signal } = this.#call;
    emit({ type: "step-started", step, name: `importing cache manifest from ${name}` });
    try {
      const { descriptor, ...place } = await this.#open(from, name);
      const kept = await readCacheManifest(place.source, { descriptor, name }, this.#call);
      emit({ type: "step-ended", step, outcome: "done", digest: descriptor.digest });
      return [{
        place,
        byKey: new Map(kept.map((each) => [each.key, each])),
        byShortcut: new Map(kept.flatMap(({ shortcut, key }) => shortcut === undefined ? [] : [[shortcut, key]])),
        operations: new Set(kept.flatMap(({ operation }) => operation ?? [])),
      }];
    } catch (error) {
      emit({ type: "step-ended", step, outcome: signal.aborted ? "canceled" : "failed" });
      if (!isEngineError(error) || error.code === "CANCELED" || signal.aborted) throw error;
      warn(this.#call, `Cache "${name}" is not used: ${error.message}`);
      return [];
    }
  }

  async #open(from: CacheFrom, name: string): Promise<CachePlace & { readonly descriptor: Descriptor }> {
    if (from.type === "registry") {
      const reference = readRemoteReference(this.#engine, from.ref);
      const source = this.#resources.use(await openRepository(this.#engine, reference, this.#call));
      const descriptor = await resolveRemote(source, reference, this.#call);
      return { name, source: verifiedSource(source), reference, descriptor };
    }
    const hook = await this.#engine.host.transport("oci");
    const source = this.#resources.use(await hook.source(from.src, this.#call));
    const all = await Array.fromAsync(source.names("", this.#call));
    const found = all.find((each) => each.name === from.name || each.descriptor.digest === from.name);
    if (found !== undefined) {
      return { name, source: verifiedSource(source), reference: undefined, descriptor: found.descriptor };
    }
    throw new EngineError("NOT_FOUND", `Cannot find cache "${from.name}" in "${from.src}": no such tag or digest`, {
      detail: { kind: "cache", name: from.name, known: all.map((each) => each.name).slice(0, 20) },
    });
  }
}

function labelOf(engine: RegistryEngine, from: CacheFrom): string {
  return from.type === "local" ? from.src : familiarReference(readRemoteReference(engine, from.ref));
}

function warn(call: Call, message: string): void {
  call.emit({ type: "warning", code: "CacheImport", message });
}
