import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { formatReference, parseReference, type Reference } from "../oci/reference.ts";
import { imageIdName, imageName } from "../store/names.ts";
import { type ImageEngine, resolveAmong } from "./resolve_image.ts";
import { familiarName, readImages } from "./stored_image.ts";

/**
 * What `tag` is told.
 *
 * @example A name in a registry
 * ```ts
 * import type { TagInput } from "@strata/strata";
 *
 * const input: TagInput = { source: "app", target: "registry.example.com/team/app:1" };
 * console.log(input);
 * ```
 */
export interface TagInput {
  /** Name, ID, ID prefix, digest or alias of the image. */
  readonly source: string;
  /** New name; a digest is not allowed in it. */
  readonly target: string;
}

/**
 * What `tag` did.
 *
 * @example Tell whom a name was taken from
 * ```ts
 * import type { TagResult } from "@strata/strata";
 *
 * const show = ({ name, replaced }: TagResult): string => replaced === undefined ? name : `${name}, before ${replaced}`;
 * ```
 */
export interface TagResult {
  /** Image ID. */
  readonly id: Digest;
  /** Familiar form of the new name. */
  readonly name: string;
  /** ID of the image that had the name before, when it was another one. */
  readonly replaced: Digest | undefined;
}

/**
 * Gives an image one more name; a name that another image has moves. Rejects `NOT_FOUND` for an unknown image and
 * `INVALID_ARGUMENT` for a name that is none or holds a digest.
 *
 * @example Give an image another name
 * ```ts
 * import { builtins, createCall, createEngine, importImage, tagImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { name } = await tagImage(engine, { source: "app", target: "app:1" }, createCall());
 * console.log(name);
 * ```
 */
export async function tagImage(engine: ImageEngine, input: TagInput, call: Call): Promise<TagResult> {
  const target = readTarget(input.target);
  const images = await readImages(engine.store, call);
  const image = resolveAmong(images, input.source);
  const name = formatReference(target);
  const previous = images.find(({ names }) => names.includes(name));
  await engine.store.update([
    { name: imageIdName(image.id), descriptor: image.descriptor },
    { name: imageName(target), descriptor: image.descriptor },
  ], call);
  return {
    id: image.id,
    name: familiarName(name),
    replaced: previous === undefined || previous.id === image.id ? undefined : previous.id,
  };
}

/** Reads a name that an image is to get. Throws `INVALID_ARGUMENT` when it holds a digest. */
export function readTarget(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest === undefined) return reference;
  throw new EngineError("INVALID_ARGUMENT", `Cannot tag image as "${text.slice(0, 300)}": a tag cannot hold a digest`, {
    detail: { field: "target", value: text.slice(0, 300) },
    hint: "Leave out the part from @ on",
  });
}
