import type { Call } from "../contract/call.ts";
import type { Engine } from "../engine.ts";
import type { Digest } from "../oci/descriptor.ts";
import { aliasOf } from "./alias.ts";
import type { Selection } from "./list_selection.ts";
import { familiarName, type NameParts, readImages, splitName, type StoredImage } from "./stored_image.ts";

/**
 * What listing needs of an engine.
 *
 * @example List with an engine that has a store and a clock
 * ```ts
 * import { createCall, type ListEngine, listImages } from "@strata/strata";
 *
 * const count = async (engine: ListEngine): Promise<number> => (await listImages(engine, {}, createCall())).rows.length;
 * ```
 */
export type ListEngine = Pick<Engine, "store" | "clock">;

/**
 * What `image ls` shows.
 *
 * @example Images of one repository with a label
 * ```ts
 * import type { ListInput } from "@strata/strata";
 *
 * const input: ListInput = { filters: ["reference=app:*", "label=stage=test"] };
 * console.log(input);
 * ```
 */
export interface ListInput {
  /** Show dangling and digest-only images too. */
  readonly all?: boolean;
  /** `key=value` filters as typed: dangling, label, label!, before, since, until, reference. */
  readonly filters?: readonly string[];
  /** Reference pattern given as argument; the same as a `reference` filter. */
  readonly reference?: string;
}

/**
 * One row of `image ls`: one repository and tag of one image.
 *
 * @example A name as docker shows it
 * ```ts
 * import type { ImageRow } from "@strata/strata";
 *
 * const title = ({ repository, tag, alias }: ImageRow): string =>
 *   repository === undefined ? alias : `${repository}:${tag}`;
 * ```
 */
export interface ImageRow {
  /** Image ID. */
  readonly id: Digest;
  /** Familiar repository, e.g. `alpine`; undefined for `<none>`. */
  readonly repository: string | undefined;
  /** Tag; undefined for `<none>`. */
  readonly tag: string | undefined;
  /** Digest of the manifest or index. */
  readonly digest: Digest;
  /** When the image was made; undefined when unknown. */
  readonly created: Date | undefined;
  /** Bytes of the files in its layers. */
  readonly size: number;
  /** Platforms, several joined by `,`. */
  readonly platform: string;
  /** Two-word name derived from the ID. */
  readonly alias: string;
  /** All familiar names of the image, sorted. */
  readonly names: readonly string[];
}

/**
 * What `image ls` found.
 *
 * @example Bytes of all images, shared ones counted for each
 * ```ts
 * import type { ListResult } from "@strata/strata";
 *
 * const bytes = ({ rows }: ListResult): number => rows.reduce((sum, { size }) => sum + size, 0);
 * console.log(bytes({ rows: [], hidden: 0 }));
 * ```
 */
export interface ListResult {
  /** Newest created first, then by name. */
  readonly rows: readonly ImageRow[];
  /** Images without a tag that the default view leaves out. */
  readonly hidden: number;
}

/**
 * Lists images, one row for each repository and tag. The default view leaves out images without a tag, as Docker 29 does; so does
 * no view with `all` or a `dangling` filter other than false. Values of one filter are alternatives, but for labels, which must all hold;
 * different filters must all hold. Reads no blob unless labels are asked for. Rejects `INVALID_ARGUMENT` for a wrong filter and
 * `NOT_FOUND` for an unknown image in `before` or `since`.
 *
 * @example Names and IDs of all images
 * ```ts
 * import { builtins, createCall, createEngine, importImage, listImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { rows } = await listImages(engine, { all: true }, createCall());
 * for (const { repository, tag, id } of rows) console.log(repository, tag, id);
 * ```
 */
export async function listImages(engine: ListEngine, input: ListInput, call: Call): Promise<ListResult> {
  const selection = await openSelection(engine, input);
  const images = await readImages(engine.store, call);
  const chosen = await selection?.choose(images, call);
  const showsUntagged = input.all === true || selection?.dangling === true;
  const rows: ImageRow[] = [];
  let hidden = 0;
  for (const image of images) {
    const names = chosen === undefined ? image.names : chosen.get(image);
    if (names === undefined) continue;
    const isUntagged = !image.names.some((name) => !name.includes("@"));
    if (isUntagged && !showsUntagged) hidden++;
    else addRows(rows, image, names);
  }
  return { rows: newestFirst(rows), hidden };
}

/** What the input asks for; undefined for every image, which needs no more code. */
async function openSelection(
  engine: ListEngine,
  { filters = [], reference }: ListInput,
): Promise<Selection | undefined> {
  if (filters.length === 0 && reference === undefined) return undefined;
  const { createSelection } = await import("./list_selection.ts");
  return createSelection(engine, { filters, reference });
}

/** Adds the rows of an image. A name by digest gets none when a tag of the same repository has one. */
function addRows(rows: ImageRow[], image: StoredImage, shown: readonly string[]): void {
  const { id, created, size, platform, descriptor, targets } = image;
  const names = image.names.map(familiarName);
  if (names.length > 1) names.sort();
  const add = ({ repository, tag }: Partial<NameParts>, digest: Digest): void => {
    rows.push({
      id,
      repository,
      tag,
      digest,
      created,
      size,
      platform,
      // Made when it is asked for: most lists do not show it.
      get alias(): string {
        return aliasOf(id);
      },
      names,
    });
  };
  if (shown.length === 0) return add({}, descriptor.digest);
  const tagged = shown.length > 1 ? taggedRepositories(shown) : undefined;
  for (const name of shown) {
    const parts = splitName(name);
    if (parts.tag === undefined && tagged?.has(parts.repository) === true) continue;
    add(parts, targets.get(name)?.digest ?? descriptor.digest);
  }
}

function taggedRepositories(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(splitName).filter(({ tag }) => tag !== undefined).map(({ repository }) => repository));
}

/** Newest first; of one time, by name. Keys are made once, because comparing is most of the work. */
function newestFirst(rows: readonly ImageRow[]): readonly ImageRow[] {
  const keyed = rows.map((row) => {
    const { repository = "\uffff", tag = "\uffff", id } = row;
    return { row, time: row.created?.getTime() ?? 0, text: `${repository}:${tag} ${id}` };
  });
  keyed.sort((a, b) => b.time - a.time || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  return keyed.map(({ row }) => row);
}
