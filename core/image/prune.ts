import type { Call } from "../contract/call.ts";
import { parseFilters, parseTime, readBooleanFilter } from "./filter.ts";
import type { ListEngine } from "./list.ts";
import { hasLabels } from "./list_selection.ts";
import { carryOut, planRemoval, type RemoveEngine } from "./removal.ts";
import { type RemoveAction, withLayers } from "./remove.ts";
import { familiarName, readImages, type StoredImage } from "./stored_image.ts";

/**
 * What `image prune` is told.
 *
 * @example All that are older than a week
 * ```ts
 * import type { PruneInput } from "@strata/strata";
 *
 * const input: PruneInput = { all: true, filters: ["until=168h"] };
 * console.log(input);
 * ```
 */
export interface PruneInput {
  /** Remove named images too, not only dangling ones. */
  readonly all?: boolean;
  /** `key=value` filters as typed: dangling, until, label, label!. */
  readonly filters?: readonly string[];
  /** Only report what would be removed. */
  readonly dryRun?: boolean;
}

/**
 * What `image prune` did or would do.
 *
 * @example Bytes that are free again
 * ```ts
 * import type { PruneResult } from "@strata/strata";
 *
 * const { reclaimed }: PruneResult = { actions: [], reclaimed: 0 };
 * console.log(reclaimed);
 * ```
 */
export interface PruneResult {
  /** Names untagged, images and layers deleted; images in order of their IDs. */
  readonly actions: readonly RemoveAction[];
  /** Bytes of the blobs that only the removed images needed and, unless it was a dry run, of what killed processes left. */
  readonly reclaimed: number;
}

/** Filters that `image prune` knows. */
export const pruneFilters: readonly string[] = ["dangling", "label", "label!", "until"];

/**
 * Removes images that nothing names, or with `all` every image, as far as the filters let it: `until` compares the time the image
 * was made, labels must all hold. Rejects `INVALID_ARGUMENT` for a wrong filter.
 *
 * @example What removing images without a name would free
 * ```ts
 * import { builtins, createCall, createEngine, pruneImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const { actions, reclaimed } = await pruneImages(engine, { dryRun: true }, createCall());
 * console.log(actions.length, reclaimed);
 * ```
 */
export async function pruneImages(
  engine: ListEngine & RemoveEngine,
  input: PruneInput,
  call: Call,
): Promise<PruneResult> {
  const filters = parseFilters(input.filters ?? [], pruneFilters);
  const all = input.all === true || readBooleanFilter(filters, "dangling") === false;
  const until = filters.get("until")?.map((text) => parseTime(text, engine.clock()).getTime());
  const going: StoredImage[] = [];
  const remaining: StoredImage[] = [];
  for (const image of await readImages(engine.store, call)) {
    const isOld = until === undefined || until.every((time) => (image.created?.getTime() ?? 0) < time);
    const isMeant = (all || image.names.length === 0) && isOld;
    (isMeant && await hasLabels(engine, { image, filters }, call) ? going : remaining).push(image);
  }
  const names = going.flatMap((image) => image.names);
  const removal = await planRemoval(engine.store, { names, images: going, remaining, keepsCache: false }, call);
  const reclaimed = input.dryRun === true ? removal.reclaimed : await carryOut(engine, removal, call);
  const actions = going.flatMap((image): readonly RemoveAction[] => [
    ...image.names.map((name): RemoveAction => ({ type: "untagged", name: familiarName(name) })),
    { type: "deleted", digest: image.id },
  ]);
  return { actions: withLayers(actions, removal.layers), reclaimed };
}
