import type { Call } from "../contract/call.ts";
import { type EngineError, isEngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { imageIdName, NamePrefix } from "../store/names.ts";
import { type ImageEngine, resolveAmong } from "./resolve_image.ts";
import { familiarName, readImages } from "./stored_image.ts";

/**
 * What `untag` is told.
 *
 * @example One name
 * ```ts
 * import type { UntagInput } from "@strata/strata";
 *
 * const input: UntagInput = { images: ["app:old"] };
 * console.log(input);
 * ```
 */
export interface UntagInput {
  /** Names to take away; an ID, ID prefix or alias means every name of that image. */
  readonly images: readonly string[];
}

/**
 * What `untag` did.
 *
 * @example Images that have no name any more
 * ```ts
 * import type { UntagResult } from "@strata/strata";
 *
 * const nameless = ({ dangling }: UntagResult): string[] => [...dangling];
 * console.log(nameless({ untagged: [], dangling: [], errors: [] }));
 * ```
 */
export interface UntagResult {
  /** Familiar names taken away, in order. */
  readonly untagged: readonly string[];
  /** IDs of images that have no name left; they stay in the store. */
  readonly dangling: readonly Digest[];
  /** What went wrong with single names, in their order. */
  readonly errors: readonly EngineError[];
}

/**
 * Takes names away and keeps the images. What can be done is, in one step, whatever is wrong with the rest.
 *
 * @example Take a name away
 * ```ts
 * import { builtins, createCall, createEngine, importImage, untagImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { dangling } = await untagImages(engine, { images: ["app"] }, createCall());
 * console.log(dangling);
 * ```
 */
export async function untagImages(engine: ImageEngine, input: UntagInput, call: Call): Promise<UntagResult> {
  const images = new Map((await readImages(engine.store, call)).map((image) => [image.id, image]));
  const going: string[] = [];
  const touched = new Set<Digest>();
  const errors: EngineError[] = [];
  for (const text of input.images) {
    try {
      const image = resolveAmong([...images.values()], text);
      const names = image.called;
      going.push(...names);
      touched.add(image.id);
      images.set(image.id, { ...image, names: image.names.filter((name) => !names.includes(name)) });
    } catch (error) {
      if (!isEngineError(error)) throw error;
      errors.push(error);
    }
  }
  if (going.length > 0) {
    const kept = [...touched].flatMap((id) => images.get(id) ?? []);
    await engine.store.update([
      ...kept.map(({ id, descriptor }) => ({ name: imageIdName(id), descriptor })),
      ...going.map((name) => ({ name: `${NamePrefix.reference}${name}`, descriptor: undefined })),
    ], call);
  }
  const dangling = [...touched].filter((id) => images.get(id)?.names.length === 0);
  return { untagged: going.map(familiarName), dangling, errors };
}
