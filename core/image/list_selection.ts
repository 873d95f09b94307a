import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import { type Filters, matchesLabels, parseFilters, parseTime, readBooleanFilter } from "./filter.ts";
import { matchesReference } from "./reference_pattern.ts";
import type { StoredImage } from "./stored_image.ts";

/** What choosing images needs of an engine. */
export type SelectionEngine = Pick<Engine, "store" | "clock">;

/** Which images a list is of. */
export interface SelectionInput {
  /** `key=value` filters as typed: dangling, label, label!, before, since, until, reference. */
  readonly filters: readonly string[];
  /** Reference pattern; the same as a `reference` filter. */
  readonly reference: string | undefined;
}

/** Filters that were read. */
export interface Selection {
  /** Value of the `dangling` filter; undefined when it is not given. */
  readonly dangling: boolean | undefined;
  /** The images that meet the filters, each with those of its names that do. Rejects `NOT_FOUND` as {@linkcode createSelection} says. */
  choose(images: readonly StoredImage[], call: Call): Promise<ReadonlyMap<StoredImage, readonly string[]>>;
}

/** Filters that `image ls` knows. */
const listFilters: readonly string[] = ["before", "dangling", "label", "label!", "reference", "since", "until"];

/**
 * Reads filters. Values of one filter are alternatives, but for labels, which must all hold; different filters must all hold. Throws
 * `INVALID_ARGUMENT` for a wrong filter; choosing rejects `NOT_FOUND` for an unknown image in `before` or `since`.
 */
export function createSelection(engine: SelectionEngine, { filters: texts, reference }: SelectionInput): Selection {
  const filters = parseFilters(texts, listFilters);
  const dangling = readBooleanFilter(filters, "dangling");
  return {
    dangling,
    async choose(images, call): Promise<ReadonlyMap<StoredImage, readonly string[]>> {
      const namesOf = await createMatcher(images, { filters, reference, now: engine.clock() });
      const chosen = new Map<StoredImage, readonly string[]>();
      for (const image of images) {
        const names = namesOf(image);
        if (names !== undefined && await hasLabels(engine, { image, filters }, call)) chosen.set(image, names);
      }
      return chosen;
    },
  };
}

interface Criteria {
  readonly filters: Filters;
  readonly reference: string | undefined;
  readonly now: Date;
}

/** Gives the names of an image to show, or undefined when the image is filtered out. */
async function createMatcher(
  images: readonly StoredImage[],
  { filters, reference, now }: Criteria,
): Promise<(image: StoredImage) => readonly string[] | undefined> {
  const before = await timesOf(images, filters.get("before"));
  const since = await timesOf(images, filters.get("since"));
  const until = filters.get("until")?.map((text) => parseTime(text, now).getTime());
  const patterns = [...(filters.get("reference") ?? []), ...(reference === undefined ? [] : [reference])];
  const dangling = readBooleanFilter(filters, "dangling");
  return (image) => {
    const created = image.created?.getTime() ?? 0;
    if (dangling !== undefined && dangling !== (image.names.length === 0)) return undefined;
    if (before !== undefined && !before.some((time) => created < time)) return undefined;
    if (since !== undefined && !since.some((time) => created > time)) return undefined;
    if (until !== undefined && !until.some((time) => created < time)) return undefined;
    if (patterns.length === 0) return image.names;
    const names = image.names.filter((name) => patterns.some((pattern) => matchesReference(pattern, name)));
    return names.length === 0 ? undefined : names;
  };
}

/** When the named images were made, milliseconds since the epoch; undefined when none are named. */
async function timesOf(
  images: readonly StoredImage[],
  texts: readonly string[] | undefined,
): Promise<readonly number[] | undefined> {
  if (texts === undefined) return undefined;
  const { resolveAmong } = await import("./resolve_image.ts");
  return texts.map((text) => resolveAmong(images, text).created?.getTime() ?? 0);
}

/** Whether an image meets the label filters; its config is read only when there are any. */
export async function hasLabels(
  engine: SelectionEngine,
  { image, filters }: { readonly image: StoredImage; readonly filters: Filters },
  call: Call,
): Promise<boolean> {
  if (!filters.has("label") && !filters.has("label!")) return true;
  const { readLabels } = await import("./labels.ts");
  return matchesLabels(await readLabels(engine.store, image, call), filters);
}
