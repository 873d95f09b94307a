import type { Call } from "../contract/call.ts";
import type { NameChange } from "../contract/store.ts";
import type { Quota, TransportSource } from "../contract/transport.ts";
import type { Descriptor, Digest, Platform } from "../oci/descriptor.ts";
import { familiarReference, familiarRepository, formatReference, type Reference } from "../oci/reference.ts";
import { usualPlatform } from "../oci/platform.ts";
import { imageIdName, imageName } from "../store/names.ts";
import { digestName } from "./digest_name.ts";
import { chooseContent } from "./choose_content.ts";
import { copyGraph } from "./copy_graph.ts";
import { recordUnread } from "./image_record.ts";
import { createNotingSink } from "./layer_check.ts";
import { noteOrigins } from "./origin.ts";
import {
  openRepository,
  preferStored,
  readRemoteReference,
  type RegistryEngine,
  repositoryAddress,
  resolveRemote,
} from "./registry.ts";
import { readRecord } from "./stored_image.ts";

/** Blobs that are fetched at once. */
export const pullJobs = 4;

/**
 * What `pull` is told.
 *
 * @example Every platform
 * ```ts
 * import type { PullInput } from "@strata/strata";
 *
 * const input: PullInput = { reference: "alpine:3.20", allPlatforms: true };
 * console.log(input);
 * ```
 */
export interface PullInput {
  /** `NAME[:TAG|@DIGEST]`, or a short name of the config. */
  readonly reference: string;
  /** Every tag of the repository. */
  readonly allTags?: boolean;
  /** Platforms of an index to fetch; the usual one when left out. An index stays whole, with the images that are there. */
  readonly platforms?: readonly Platform[];
  /** Fetch every platform of an index. */
  readonly allPlatforms?: boolean;
  /** Keep the image by its digest too, as `NAME@DIGEST`, until its last tag of that repository goes, as docker does. */
  readonly keepsDigest?: boolean;
}

/**
 * One pulled image.
 *
 * @example Images that were not there before
 * ```ts
 * import type { PulledImage } from "@strata/strata";
 *
 * const news = (images: readonly PulledImage[]): string[] =>
 *   images.filter(({ isNew }) => isNew).map(({ name }) => name);
 * console.log(news([]));
 * ```
 */
export interface PulledImage {
  /** Canonical name. */
  readonly name: string;
  /** The name as docker shows it. */
  readonly familiar: string;
  /** Image ID. */
  readonly id: Digest;
  /** Digest of the manifest or index. */
  readonly digest: Digest;
  /** Whether the name pointed elsewhere before, or nowhere. */
  readonly isNew: boolean;
}

/**
 * What `pull` did.
 *
 * @example Pulls that the registry still allows
 * ```ts
 * import type { PullResult } from "@strata/strata";
 *
 * const left = ({ quota }: PullResult): number => quota?.remaining ?? Infinity;
 * ```
 */
export interface PullResult {
  /** Canonical name of the repository. */
  readonly repository: string;
  /** The repository as docker shows it. */
  readonly familiarRepository: string;
  /** In the order of the tags. */
  readonly images: readonly PulledImage[];
  /** What the registry told of how much may still be read. */
  readonly quota: Quota | undefined;
}

/**
 * Fetches an image from its registry into the store. Every blob is checked against its digest before the image gets its name, which is the
 * one moment at which it appears. Layers stay as they are: that they unpack to what the config says, their diffIDs, is checked when their
 * files are needed. What was cut off goes on where it was. Rejects `NOT_FOUND` for an unknown image or platform, `CONTENT_MISMATCH`
 * for wrong bytes, and as the transport does.
 *
 * @example Fetch an image for a platform
 * ```ts
 * import { createCall, type Engine, pullImage } from "@strata/strata";
 *
 * // Fetches an image of the team.
 * async function fetchImage(engine: Engine): Promise<void> {
 *   const platforms = [{ os: "linux", architecture: "arm64" }];
 *   const { images } = await pullImage(engine, { reference: "registry.example.com/team/app:1", platforms }, createCall());
 *   for (const { name } of images) console.log(name);
 * }
 * ```
 */
export async function pullImage(engine: RegistryEngine, input: PullInput, call: Call): Promise<PullResult> {
  const reference = readRemoteReference(engine, input.reference);
  await using lease = await engine.store.lease(call);
  void lease;
  await using source = await openRepository(engine, reference, call);
  const images: PulledImage[] = [];
  if (input.allTags === true) {
    const { host, repository } = reference;
    for await (const tag of source.list("", call)) {
      images.push(await pullOne(engine, { source, input, reference: { host, repository, tag } }, call));
    }
  } else images.push(await pullOne(engine, { source, input, reference }, call));
  return {
    repository: repositoryAddress(reference),
    familiarRepository: familiarRepository(reference),
    images,
    quota: source.quota(),
  };
}

interface Pull {
  readonly source: TransportSource;
  readonly input: PullInput;
  readonly reference: Reference;
}

async function pullOne(engine: RegistryEngine, pull: Pull, call: Call): Promise<PulledImage> {
  const { source, reference } = pull;
  const name = formatReference(reference);
  const step = `pull ${name}`;
  const descriptor = await resolveRemote(source, reference, call);
  const shown = reference.tag ?? name;
  call.emit({ type: "step-started", step, name: `${shown}: Pulling from ${reference.repository}` });
  try {
    const image = await fetchOne(engine, { ...pull, descriptor }, call);
    call.emit({ type: "step-ended", step, outcome: image.isNew ? "done" : "cached", digest: image.digest });
    return image;
  } catch (error) {
    call.emit({ type: "step-ended", step, outcome: call.signal.aborted ? "canceled" : "failed" });
    throw error;
  }
}

async function fetchOne(
  engine: RegistryEngine,
  pull: Pull & { readonly descriptor: Descriptor },
  call: Call,
): Promise<PulledImage> {
  const { store, config, clock } = engine;
  const { source, input, reference, descriptor: root } = pull;
  const usual = input.platforms === undefined || input.platforms.length === 0;
  const platforms = input.allPlatforms === true ? [] : usual ? [usualPlatform(config.platform)] : input.platforms;
  const sink = createNotingSink(store);
  const from = preferStored(store, source);
  const descriptor = await copyGraph(
    { from, to: sink, root, platforms, onePlatform: "index", jobs: pullJobs, clock },
    call,
  );
  const familiar = familiarReference(reference);
  // An index was looked through already; a lone manifest serves whoever asks for nothing in particular.
  const [only] = usual ? [] : platforms;
  if (only !== undefined) await chooseContent(store, { descriptor, name: familiar, platform: only }, call);
  const recorded = await recordUnread(store, descriptor, call);
  const { id } = readRecord(recorded);
  const before = await store.resolve(imageName(reference), call);
  const changes: NameChange[] = [
    { name: imageIdName(id), descriptor: recorded },
    { name: imageName(reference), descriptor: recorded },
    ...(input.keepsDigest === true ? [digestName(reference, recorded)] : []),
    ...await noteOrigins(store, { reference, blobs: sink.blobs }, call),
  ];
  await store.update(changes, call);
  const isNew = before?.digest !== recorded.digest;
  return { name: formatReference(reference), familiar, id, digest: recorded.digest, isNew };
}
