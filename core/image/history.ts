import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import type { Digest, Platform } from "../oci/descriptor.ts";
import { chooseContent } from "./choose_content.ts";
import type { RegistryEngine } from "./registry.ts";
import { seeImagesNow } from "./see_images.ts";
import { familiarName } from "./stored_image.ts";

/**
 * What `image history` is asked.
 *
 * @example Of an image in a registry
 * ```ts
 * import type { HistoryInput } from "@strata/strata";
 *
 * const input: HistoryInput = { image: "registry:alpine:3.20" };
 * console.log(input);
 * ```
 */
export interface HistoryInput {
  /** Name, ID, ID prefix, digest or alias; what is none of the store's images may be an address as of `copy`. */
  readonly image: string;
  /** Platform to look at, for an index; the host's when left out. */
  readonly platform?: Platform;
}

/**
 * One step of an image's history.
 *
 * @example Steps with their sizes
 * ```ts
 * import type { HistoryRow } from "@strata/strata";
 *
 * const lines = (rows: readonly HistoryRow[]): string[] => rows.map(({ createdBy, size }) => `${size} ${createdBy}`);
 * console.log(lines([]));
 * ```
 */
export interface HistoryRow {
  /** Image ID on the first row, undefined (`<missing>`) on the others. */
  readonly id: Digest | undefined;
  /** When the step was made; undefined when unknown. */
  readonly created: Date | undefined;
  /** Instruction text. */
  readonly createdBy: string;
  /** Bytes of the files in the layer, of the layer itself for an image outside the store; 0 for a step without one. */
  readonly size: number;
  /** Free text. */
  readonly comment: string;
  /** True when the step has no layer. */
  readonly empty: boolean;
  /** Familiar names of the image, on the first row. */
  readonly tags: readonly string[];
}

/**
 * The history of an image.
 *
 * @example Layers of an image
 * ```ts
 * import type { HistoryResult } from "@strata/strata";
 *
 * const layers = ({ rows }: HistoryResult): number => rows.filter(({ empty }) => !empty).length;
 * console.log(layers({ rows: [] }));
 * ```
 */
export interface HistoryResult {
  /** Newest first. */
  readonly rows: readonly HistoryRow[];
}

/**
 * The history of an image. Steps that have a layer are paired with the layers in order; layers that history does not tell of come
 * as steps of their own. Rejects `NOT_FOUND` for an unknown image or platform, `INVALID_ARGUMENT` for an archive of several images.
 *
 * @example How an image was made
 * ```ts
 * import { builtins, createCall, createEngine, imageHistory, importImage } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { rows } = await imageHistory(engine, { image: "app" }, createCall());
 * for (const { createdBy, size } of rows) console.log(createdBy, size);
 * ```
 */
export async function imageHistory(engine: RegistryEngine, input: HistoryInput, call: Call): Promise<HistoryResult> {
  await using seen = await seeImagesNow(engine, input.image, call);
  const [image, second] = seen.images;
  if (image === undefined || second !== undefined) {
    const state = `it holds ${seen.images.length} images, expected one`;
    throw new EngineError("INVALID_ARGUMENT", `Cannot show the history of "${input.image}": ${state}`, {
      detail: { field: "image", value: input.image },
    });
  }
  const choice = { descriptor: image.descriptor, name: input.image, platform: input.platform };
  const content = await chooseContent(image.source, choice, call);
  const sizes = await image.sizes(content, call);
  const rows: HistoryRow[] = [];
  let at = 0;
  for (const entry of content.history) {
    const isEmpty = entry.empty_layer === true;
    const created = new Date(entry.created ?? NaN);
    rows.push({
      id: undefined,
      created: Number.isNaN(created.getTime()) ? undefined : created,
      createdBy: entry.created_by ?? "",
      size: isEmpty ? 0 : sizes[at++] ?? 0,
      comment: entry.comment ?? "",
      empty: isEmpty,
      tags: [],
    });
  }
  const [top, ...rest] = rows.toReversed();
  if (top === undefined) return { rows: [] };
  const tags = image.names.filter((name) => !name.includes("@")).map(familiarName);
  return { rows: [{ ...top, id: image.id, tags }, ...rest] };
}
