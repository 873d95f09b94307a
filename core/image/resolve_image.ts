import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { formatReference, parseReference, type Reference } from "../oci/reference.ts";
import { aliasOf, aliasPrefix } from "./alias.ts";
import { familiarName, readImages, rootsOf, type StoredImage } from "./stored_image.ts";

/** An image found by what a user typed. */
export interface ResolvedImage extends StoredImage {
  /** The canonical name that matched, whose descriptor this is; undefined when it was found by ID, digest or alias. */
  readonly matched: string | undefined;
  /**
   * Names that the text stands for: the one that matched; of `name@digest`, all tags of the repository that point there; every name
   * of the image when it was found by ID, digest or alias.
   */
  readonly called: readonly string[];
}

/**
 * What looking up images needs of an engine.
 *
 * @example Name an image with an engine that has a store
 * ```ts
 * import { createCall, type ImageEngine, tagImage, type TagResult } from "@strata/strata";
 *
 * const name = (engine: ImageEngine, source: string): Promise<TagResult> =>
 *   tagImage(engine, { source, target: "app:latest" }, createCall());
 * ```
 */
export type ImageEngine = Pick<Engine, "store">;

/**
 * The image that a text stands for: a name (`name`, `name:tag`, `name@digest`), an image ID or a unique start of one of at least one
 * hex digit, with or without `sha256:`, the digest of its manifest, or its two-word alias; in that order. Rejects
 * `NOT_FOUND`, and `CONFLICT` with `detail.candidates` when several images answer.
 */
export async function resolveImage(engine: ImageEngine, text: string, call: Call): Promise<ResolvedImage> {
  return resolveAmong(await readImages(engine.store, call), text);
}

/** As {@linkcode resolveImage}, but undefined when there is no such image. Still rejects `CONFLICT`. */
export async function findImage(engine: ImageEngine, text: string, call: Call): Promise<ResolvedImage | undefined> {
  return findAmong(await readImages(engine.store, call), text);
}

/** As {@linkcode resolveImage} with images that were read already. */
export function resolveAmong(images: readonly StoredImage[], text: string): ResolvedImage {
  const found = findAmong(images, text);
  if (found !== undefined) return found;
  const name = text.slice(0, 300);
  throw new EngineError("NOT_FOUND", `Cannot find image "${name}": no such image in the store`, {
    detail: { kind: "image", name },
    hint: "List the images with strata image ls --all",
  });
}

/** As {@linkcode findImage} with images that were read already. */
export function findAmong(images: readonly StoredImage[], text: string): ResolvedImage | undefined {
  return findByName(images, text) ?? findById(images, text);
}

function findByName(images: readonly StoredImage[], text: string): ResolvedImage | undefined {
  const reference = readReference(text);
  if (reference === undefined) return undefined;
  const { host, repository, tag, digest } = reference;
  if (digest === undefined) return withName(images, formatReference(reference));
  const pinned = withName(images, formatReference({ host, repository, digest }));
  if (pinned !== undefined || tag === undefined) return pinned ?? inRepository(images, reference, digest);
  const tagged = withName(images, formatReference({ host, repository, tag }));
  return tagged?.descriptor.digest === digest ? tagged : inRepository(images, reference, digest);
}

/** A digest pins content: any tag of the repository that points at it will do. */
function inRepository(
  images: readonly StoredImage[],
  { host, repository }: Reference,
  digest: Digest,
): ResolvedImage | undefined {
  for (const image of images) {
    const called = image.names.filter((name) =>
      name.startsWith(`${host}/${repository}:`) && image.targets.get(name)?.digest === digest
    );
    const found = called[0] === undefined ? undefined : withName([image], called[0]);
    if (found !== undefined) return { ...found, called };
  }
  return undefined;
}

function withName(images: readonly StoredImage[], name: string): ResolvedImage | undefined {
  const image = images.find(({ names }) => names.includes(name));
  return image === undefined
    ? undefined
    : { ...image, descriptor: image.targets.get(name) ?? image.descriptor, matched: name, called: [name] };
}

function findById(images: readonly StoredImage[], text: string): ResolvedImage | undefined {
  const prefix = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(text)?.[1];
  const alias = prefix === undefined ? aliasPrefix(text) : undefined;
  const start = prefix ?? alias;
  if (start === undefined) return undefined;
  const found = images.filter(({ id }) => id.startsWith(`sha256:${start}`));
  if (found.length > 1) throw ambiguous(text, found);
  if (found[0] !== undefined) return byContent(found[0]);
  for (const image of images) {
    const descriptor = rootsOf([image]).find(({ digest }) => digest === `sha256:${start}`);
    if (descriptor !== undefined) return { ...byContent(image), descriptor };
  }
  return undefined;
}

function byContent(image: StoredImage): ResolvedImage {
  return { ...image, matched: undefined, called: image.names };
}

function ambiguous(text: string, found: readonly StoredImage[]): EngineError {
  const candidates = found.map(({ id }) => id);
  const shown = found.slice(0, 10).map(({ id, names }) => {
    const name = names[0];
    return `${id.slice("sha256:".length, "sha256:".length + 12)} (${
      name === undefined ? aliasOf(id) : familiarName(name)
    })`;
  });
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more` : "";
  const state = `it stands for ${found.length} images: ${shown.join(", ")}${more}`;
  return new EngineError("CONFLICT", `Cannot find image "${text}": ${state}`, {
    detail: { kind: "image", name: text, candidates },
    hint: "Give more digits of the ID",
  });
}

function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}
