import { pickManifest, readImage } from "../build/base_image.ts";
import { createLimit } from "../build/limit.ts";
import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import type { TransportSource } from "../contract/transport.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { familiarReference, type Reference } from "../oci/reference.ts";
import { readManifest } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { SharedWork } from "../stream/shared_work.ts";
import { createGraphCopier } from "./graph_copier.ts";
import { createCheckingSink } from "./layer_check.ts";
import { noteOrigins } from "./origin.ts";
import { openRepository, preferStored, type RegistryEngine, repositoryAddress, resolveRemote } from "./registry.ts";

/** A base image to be found in its registry. */
export interface RemoteQuery {
  readonly reference: Reference;
  /** What the user wrote, for messages. */
  readonly name: string;
  readonly platform: Platform;
}

/** Fetches parts of images from registries into the store. */
export interface ImageFetcher extends AsyncDisposable {
  /**
   * The manifest for a platform of an image in its registry. It and its config are in the store then, its layers need not be. Rejects
   * `NOT_FOUND`, and as the transport does.
   */
  find(query: RemoteQuery, call: Call): Promise<Descriptor>;
  /** Fetches those of some layers that the store does not have, with the other layers of their images. */
  obtain(layers: readonly Descriptor[], call: Call): Promise<void>;
  /** Where layers are that were met so far, by digest. */
  origins(): ReadonlyMap<Digest, Reference>;
}

/** Layers that are fetched at once. */
const fetchJobs = 4;

/** A layer of an image in a registry. */
interface RemoteLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly reference: Reference;
  readonly from: ContentSource;
  /** All layers of the image; who needs one needs the others. */
  readonly image: readonly Digest[];
}

/** Makes a fetcher. Disposing it closes the registries. */
export function openImageFetcher(engine: RegistryEngine): ImageFetcher {
  return new Fetcher(engine);
}

class Fetcher implements ImageFetcher {
  readonly #engine: RegistryEngine;
  readonly #open = new AsyncDisposableStack();
  readonly #sources = new SharedWork<string, TransportSource>();
  readonly #layers = new Map<Digest, RemoteLayer>();
  readonly #fetched = new SharedWork<Digest, void>();
  readonly #limit = createLimit(fetchJobs);

  constructor(engine: RegistryEngine) {
    this.#engine = engine;
  }

  async find({ reference, name, platform }: RemoteQuery, call: Call): Promise<Descriptor> {
    const { store } = this.#engine;
    const step = `resolve ${familiarReference(reference)} ${JSON.stringify(platform)}`;
    call.emit({ type: "step-started", step, name: `resolve ${familiarReference(reference)}` });
    try {
      const source = await this.#source(reference, call);
      const from = preferStored(store, source);
      const root = await resolveRemote(source, reference, call);
      const manifest = await pickManifest(from, { descriptor: root, name, platform }, call);
      await store.put(manifest, (at) => from.open(manifest, call, at), call);
      const { config } = readManifest(await readDocument(store, manifest, call), manifest.mediaType);
      await store.put(config, (at) => from.open(config, call, at), call);
      const { chain } = await readImage(store, manifest, call);
      const image = chain.layers.map(({ descriptor }) => descriptor.digest);
      for (const layer of chain.layers) this.#layers.set(layer.descriptor.digest, { ...layer, reference, from, image });
      call.emit({ type: "step-ended", step, outcome: "done", digest: root.digest });
      return manifest;
    } catch (error) {
      call.emit({ type: "step-ended", step, outcome: call.signal.aborted ? "canceled" : "failed" });
      throw error;
    }
  }

  async obtain(layers: readonly Descriptor[], call: Call): Promise<void> {
    const wanted = new Set(layers.flatMap(({ digest }) => this.#layers.get(digest)?.image ?? []));
    await Promise.all([...wanted].map((digest) => this.#fetchOne(digest, call)));
  }

  origins(): ReadonlyMap<Digest, Reference> {
    return new Map([...this.#layers].map(([digest, { reference }]) => [digest, reference]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fetched.idle();
    await this.#sources.idle();
    await this.#open.disposeAsync();
  }

  async #fetchOne(digest: Digest, call: Call): Promise<void> {
    const layer = this.#layers.get(digest);
    if (layer === undefined) return;
    await this.#fetched.get(digest, (inner) => this.#limit(() => this.#load(layer, inner)), call);
  }

  async #load({ descriptor, diffId, reference, from }: RemoteLayer, call: Call): Promise<void> {
    throwIfAborted(call.signal);
    const { store, clock } = this.#engine;
    if (await store.has(descriptor, call)) return;
    using sink = createCheckingSink(store, call);
    await createGraphCopier({ from, to: sink, clock }, call).copy(descriptor);
    const actual = (await sink.diffIds()).get(descriptor.digest);
    if (actual !== undefined && actual !== diffId) {
      throw new EngineError("CONTENT_MISMATCH", `Cannot use layer "${descriptor.digest}": its diffID is ${actual}`, {
        detail: { expected: diffId, actual },
      });
    }
    await store.update(await noteOrigins(store, { reference, blobs: [descriptor] }, call), call);
  }

  #source(reference: Reference, call: Call): Promise<TransportSource> {
    const open = async (inner: Call): Promise<TransportSource> =>
      this.#open.use(await openRepository(this.#engine, reference, inner));
    return this.#sources.get(repositoryAddress(reference), open, call);
  }
}
