import type { KeptLayer } from "../build/cache.ts";
import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import { isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { familiarReference, type Reference } from "../oci/reference.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { createCompressor } from "../stream/compress.ts";
import type { CacheTo } from "./build_input.ts";
import { writeCacheManifest } from "./cache_manifest.ts";
import { compressLayer, isPlain } from "./compress_layer.ts";
import { encodingOf } from "./compression_choice.ts";
import { copyGraph } from "./copy_graph.ts";
import { pushAs } from "./push.ts";
import { readRemoteReference, type RegistryEngine } from "./registry.ts";

/** What a build has that is to be kept for others. */
export interface CacheToKeep {
  /** Layers that its steps have. */
  readonly kept: Iterable<KeptLayer>;
  /** diffIDs of the layers of its results. */
  readonly results: ReadonlySet<Digest>;
  /** Repositories of layers that are not in the store, by digest. */
  readonly origins: ReadonlyMap<Digest, Reference>;
}

/**
 * Writes the layers of a build, compressed, with the keys that they are remembered under, to where another build can take them from. What
 * was there under the same name is replaced. The caller holds a lease. Rejects as the transports do, unless errors are to be ignored.
 */
export async function keepCache(
  engine: RegistryEngine & { readonly store: Store },
  { cache, to }: { readonly cache: CacheToKeep; readonly to: CacheTo },
  call: Call,
): Promise<void> {
  const name = nameOfCache(engine, to);
  const step = `cache export ${name}`;
  call.emit({ type: "step-started", step, name: `exporting cache to ${name}` });
  try {
    const descriptor = await writeCache(engine, { cache, to }, call);
    await send(engine, { descriptor, to, cache }, call);
    call.emit({ type: "step-ended", step, outcome: "done", digest: descriptor.digest });
  } catch (error) {
    call.emit({ type: "step-ended", step, outcome: call.signal.aborted ? "canceled" : "failed" });
    if (!to.ignoreError || !isEngineError(error) || call.signal.aborted) throw error;
    const message = `Cache "${name}" was not kept: ${error.message}`;
    call.emit({ type: "warning", code: "CacheExport", message });
  }
}

/** What messages call a cache. Throws `INVALID_ARGUMENT` for what is no reference. */
export function nameOfCache(engine: Pick<RegistryEngine, "config">, to: CacheTo): string {
  return to.type === "local" ? to.dest : familiarReference(readRemoteReference(engine, to.ref));
}

/** Stores the documents and the compressed layers of a cache, under no name; gives its manifest. */
async function writeCache(
  { store }: { readonly store: Store },
  { cache, to }: { readonly cache: CacheToKeep; readonly to: CacheTo },
  call: Call,
): Promise<Descriptor> {
  const encoding = encodingOf(to);
  using compressor = createCompressor();
  const records: KeptLayer[] = [];
  for (const kept of cache.kept) {
    const { layer } = kept;
    if (to.mode === "min" && !cache.results.has(layer.diffId)) continue;
    const descriptor = encoding !== undefined && isPlain(layer)
      ? await compressLayer(store, { layer, encoding, compressor }, call)
      : layer.descriptor;
    records.push({ ...kept, layer: { ...layer, descriptor } });
  }
  const { manifest, blobs } = await writeCacheManifest(records);
  for (const { descriptor, bytes } of [...blobs, manifest]) {
    await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
  }
  return manifest.descriptor;
}

async function send(
  engine: RegistryEngine & { readonly store: Store },
  { descriptor, to, cache }: { readonly descriptor: Descriptor; readonly to: CacheTo; readonly cache: CacheToKeep },
  call: Call,
): Promise<void> {
  if (to.type === "registry") {
    const name = readRemoteReference(engine, to.ref);
    await pushAs(engine, { name, descriptor, origins: cache.origins }, call);
    return;
  }
  const hook = await engine.host.transport("oci");
  await using sink = await hook.sink(to.dest, call);
  await copyGraph({ from: engine.store, to: sink, root: descriptor, platforms: [] }, call);
  await sink.tag(descriptor, to.name, call);
  await sink.commit(call);
}
