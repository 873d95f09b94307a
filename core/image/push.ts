import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { TransportSink } from "../contract/transport.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { familiarReference, formatReference, parseReference, type Reference } from "../oci/reference.ts";
import { stripStoreAnnotations } from "../store/names.ts";
import { createCompressor } from "../stream/compress.ts";
import { type CompressionChoice, encodingOf } from "./compression_choice.ts";
import { kindOf } from "./content_kind.ts";
import { digestName } from "./digest_name.ts";
import { createGraphCopier } from "./graph_copier.ts";
import { recordUnread } from "./image_record.ts";
import { findOrigins, isReceived, noteOrigins } from "./origin.ts";
import { choosePushed } from "./push_choice.ts";
import { prepareImage } from "./prepare_push.ts";
import { expandAlias } from "./alias_name.ts";
import { type RegistryEngine, registryHook, repositoryAddress } from "./registry.ts";
import { resolveAmong } from "./resolve_image.ts";
import { readImages, readRecord, type StoredImage } from "./stored_image.ts";

/** Blobs that are sent at once. */
const pushJobs = 4;

/**
 * What `push` is told.
 *
 * @example Every tag, compressed with zstd
 * ```ts
 * import type { PushInput } from "@strata/strata";
 *
 * const input: PushInput = { reference: "registry.example.com/team/app", allTags: true, compression: "zstd" };
 * console.log(input);
 * ```
 */
export interface PushInput extends CompressionChoice {
  /** `NAME[:TAG]` of an image in the store. */
  readonly reference: string;
  /** Every tag that the repository has in the store. */
  readonly allTags?: boolean;
  /** Keep each image by the digest that it has in the registry too, as `NAME@DIGEST`, until its last tag of that repository goes. */
  readonly keepsDigest?: boolean;
  /** Platforms of an index to send; of one its manifest is sent, of several an index of those. All when left out. */
  readonly platforms?: readonly Platform[];
}

/**
 * One pushed image.
 *
 * @example The name with its digest
 * ```ts
 * import type { PushedImage } from "@strata/strata";
 *
 * const pinned = ({ name, descriptor }: PushedImage): string => `${name}@${descriptor.digest}`;
 * ```
 */
export interface PushedImage {
  /** Canonical name. */
  readonly name: string;
  /** Its tag. */
  readonly tag: string;
  /** What the name points at in the registry now. */
  readonly descriptor: Descriptor;
  /** What of an index was left out because it is not in the store. */
  readonly onlyPlatform: string | undefined;
}

/**
 * What `push` did.
 *
 * @example Tags that were pushed
 * ```ts
 * import type { PushResult } from "@strata/strata";
 *
 * const tags = ({ images }: PushResult): string[] => images.map(({ tag }) => tag);
 * console.log(tags({ images: [] }));
 * ```
 */
export interface PushResult {
  /** In the order of the tags. */
  readonly images: readonly PushedImage[];
}

/**
 * Sends an image to its registry: layers before the config before manifests, the tag last, nothing that is there already. Plain layers
 * are compressed, once: the same image gives the same digest every time. Layers that the registry has in another repository are
 * mounted. Rejects `NOT_FOUND` for an unknown image, `INVALID_ARGUMENT` for a name with a digest, and as the transport does.
 *
 * @example Send an image to its registry
 * ```ts
 * import { createCall, type Engine, pushImage } from "@strata/strata";
 *
 * // Publishes what was built under this name.
 * async function publish(engine: Engine): Promise<void> {
 *   const { images } = await pushImage(engine, { reference: "registry.example.com/team/app:1" }, createCall());
 *   for (const { tag, descriptor } of images) console.log(tag, descriptor.digest);
 * }
 * ```
 */
export async function pushImage(engine: RegistryEngine, input: PushInput, call: Call): Promise<PushResult> {
  const { store } = engine;
  encodingOf(input);
  const reference = readPushed(engine, input.reference);
  await using lease = await store.lease(call);
  void lease;
  const all = await readImages(store, call);
  const images: PushedImage[] = [];
  for (const { name, descriptor } of namedImages(all, reference, input)) {
    const pushed = await pushAs(engine, { ...input, name, descriptor }, call);
    images.push(pushed);
    if (input.keepsDigest === true) await keepDigest(store, { name, all, pushed: pushed.descriptor }, call);
  }
  return { images };
}

/** Names what was pushed by its digest; not so a part of an index, which is another image. */
async function keepDigest(
  store: Store,
  { name, all, pushed }: {
    readonly name: Reference;
    readonly all: readonly StoredImage[];
    readonly pushed: Descriptor;
  },
  call: Call,
): Promise<void> {
  if (!await store.has(pushed, call)) return;
  const recorded = await recordUnread(store, pushed, call);
  const { id } = readRecord(recorded);
  if (all.some((image) => image.id === id)) await store.update([digestName(name, recorded)], call);
}

/** What is sent, and under which name. */
export interface Pushing extends CompressionChoice {
  readonly name: Reference;
  /** Manifest or index in the store. */
  readonly descriptor: Descriptor;
  readonly platforms?: readonly Platform[];
  /** Where layers are that the store does not have, by digest. */
  readonly origins?: ReadonlyMap<Digest, Reference>;
}

/** Sends one image of the store under a name. The caller holds a lease. */
export async function pushAs(engine: RegistryEngine, pushing: Pushing, call: Call): Promise<PushedImage> {
  const { name } = pushing;
  const hook = await registryHook(engine);
  const tag = name.tag ?? "latest";
  await using sink = await hook.sink(repositoryAddress(name), call);
  const { root, onlyPlatform } = await choosePushed(engine.store, pushing, call);
  const descriptor = await send(engine, { ...pushing, ...root, sink }, call);
  await sink.tag(descriptor, tag, call);
  await sink.commit(call);
  return { name: formatReference(name), tag, descriptor, onlyPlatform };
}

interface Sending extends Pushing {
  readonly sink: TransportSink;
  readonly keep: ReadonlySet<Digest> | undefined;
}

/**
 * Prepares an image and sends each part as soon as it is ready; the first failure ends both. What was prepared before is only asked for as
 * a whole first: a registry that has a manifest has what it refers to.
 */
async function send(engine: RegistryEngine, sending: Sending, call: Call): Promise<Descriptor> {
  const { store, clock } = engine;
  const controller = new AbortController();
  const inner: Call = { signal: AbortSignal.any([call.signal, controller.signal]), emit: call.emit };
  const sent: Descriptor[] = [];
  let isThere = false;
  const to = mountingSink(engine, { ...sending, sent, isThere: () => isThere });
  const begin = Promise.withResolvers<void>();
  // Layers that are not to be distributed stay where their URLs say.
  const isWanted = (child: Descriptor): boolean => child.urls === undefined || child.urls.length === 0;
  const copier = createGraphCopier({ from: store, to, jobs: pushJobs, clock, isWanted }, inner);
  const sendings: Promise<void>[] = [];
  const onLayer = (layer: Descriptor): void => {
    if (!isWanted(layer)) return;
    sendings.push(begin.promise.then(() => copier.copy(layer)).catch((error) => controller.abort(error)));
  };
  using compressor = createCompressor();
  // What came from a registry goes back as it was, unless something else is asked for.
  const isKept = async (layer: Digest): Promise<boolean> =>
    sending.compression === undefined &&
    (sending.origins?.has(layer) === true || await isReceived(store, layer, inner));
  const preparation = { store, encoding: encodingOf(sending), compressor, isKept, onLayer, onWork: begin.resolve };
  try {
    const root = await prepareImage(preparation, { root: sending.descriptor, keep: sending.keep }, inner);
    isThere = await sending.sink.has(root, inner);
    begin.resolve();
    await copier.copy(root);
    await noteSent(engine, { ...sending, sent }, inner);
    return root;
  } catch (error) {
    if (!controller.signal.aborted) controller.abort(error);
    throw call.signal.aborted ? error : controller.signal.reason;
  } finally {
    begin.resolve();
    await Promise.all(sendings);
  }
}

/**
 * Remembers where the blobs are that were sent, as far as the store has them itself. Plain layers are left out, which only counts as
 * received what was.
 */
async function noteSent(
  { store }: RegistryEngine,
  { name, sent }: { readonly name: Reference; readonly sent: readonly Descriptor[] },
  call: Call,
): Promise<void> {
  const blobs: Descriptor[] = [];
  for (const descriptor of sent) {
    if (!/\.tar$/.test(descriptor.mediaType) && await store.has(descriptor, call)) blobs.push(descriptor);
  }
  await store.update(await noteOrigins(store, { reference: name, blobs }, call), call);
}

/** A sink that has blobs mounted from where the registry is known to hold them, and tells how as output of the step. */
function mountingSink(
  { store }: RegistryEngine,
  { sink, name, sent, isThere, origins }: Sending & { readonly sent: Descriptor[]; readonly isThere: () => boolean },
): TransportSink {
  return {
    ...sink,
    has: async (descriptor, call) => isThere() || await sink.has(descriptor, call),
    put: async (descriptor, open, call): Promise<void> => {
      if (["layer", "config"].includes(kindOf(descriptor))) sent.push(descriptor);
      const origin = origins?.get(descriptor.digest);
      const known = await findOrigins(store, { host: name.host, descriptor }, call);
      const candidates = origin?.host === name.host ? [origin.repository, ...known] : known;
      for (const repository of new Set(candidates.filter((each) => each !== name.repository))) {
        if (!await sink.mount(descriptor, repositoryAddress({ host: name.host, repository }), call)) continue;
        const data = new TextEncoder().encode(`Mounted from ${repository}\n`);
        call.emit({ type: "step-log", step: `copy ${descriptor.digest}`, stream: "stdout", data });
        return;
      }
      await sink.put(descriptor, open, call);
    },
  };
}

function readPushed(engine: RegistryEngine, text: string): Reference {
  const reference = parseReference(expandAlias(engine.config.aliases, text));
  if (reference.digest === undefined) return reference;
  throw new EngineError("INVALID_ARGUMENT", `Cannot push "${text}": a name with a digest cannot be pushed`, {
    detail: { field: "reference", value: text },
    hint: "Give the image a tag with strata tag and push that",
  });
}

function namedImages(
  all: readonly StoredImage[],
  reference: Reference,
  { allTags }: PushInput,
): readonly { readonly name: Reference; readonly descriptor: Descriptor }[] {
  if (allTags !== true) {
    const image = resolveAmong(all, formatReference(reference));
    return [{ name: reference, descriptor: stripStoreAnnotations(image.descriptor) }];
  }
  const prefix = `${repositoryAddress(reference)}:`;
  const found = all.flatMap(({ targets }) => [...targets]).filter(([name]) => name.startsWith(prefix));
  if (found.length > 0) {
    return found.sort(([a], [b]) => a < b ? -1 : 1).map(([name, descriptor]) => ({
      name: parseReference(name),
      descriptor: stripStoreAnnotations(descriptor),
    }));
  }
  const { host, repository } = reference;
  const shown = familiarReference({ host, repository });
  throw new EngineError("NOT_FOUND", `Cannot push "${shown}": no image in the store has a tag of it`, {
    detail: { kind: "image", name: shown },
  });
}
