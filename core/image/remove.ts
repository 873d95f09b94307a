import type { Call } from "../contract/call.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { digestHex } from "../oci/digest.ts";
import { carryOut, planRemoval, type RemoveEngine } from "./removal.ts";
import { resolveAmong } from "./resolve_image.ts";
import { familiarName, readImages, splitName, type StoredImage } from "./stored_image.ts";

/**
 * What `image rm` is told.
 *
 * @example By name and by ID
 * ```ts
 * import type { RemoveInput } from "@strata/strata";
 *
 * const input: RemoveInput = { images: ["app:1", "sha256:0a1b2c"], force: true };
 * console.log(input);
 * ```
 */
export interface RemoveInput {
  /** Names, IDs, ID prefixes, digests or aliases. */
  readonly images: readonly string[];
  /** Remove an image by ID although several names point at it. */
  readonly force?: boolean;
  /** Keep build cache records of the image's layers, and with them the layers. */
  readonly noPrune?: boolean;
}

/**
 * One line of the report of `image rm` and `image prune`.
 *
 * @example A name that was taken away
 * ```ts
 * import type { RemoveAction } from "@strata/strata";
 *
 * const action: RemoveAction = { type: "untagged", name: "docker.io/library/app:1" };
 * console.log(action.type);
 * ```
 */
export type RemoveAction =
  | { readonly type: "untagged"; readonly name: string }
  | { readonly type: "deleted"; readonly digest: Digest };

/**
 * What `image rm` did.
 *
 * @example Whether all of them are gone
 * ```ts
 * import type { RemoveResult } from "@strata/strata";
 *
 * const isDone = ({ errors }: RemoveResult): boolean => errors.length === 0;
 * console.log(isDone({ actions: [], reclaimed: 0, errors: [] }));
 * ```
 */
export interface RemoveResult {
  /** Names untagged (familiar), images and layers deleted (image ID, then chain IDs top first), in order. */
  readonly actions: readonly RemoveAction[];
  /** Bytes of the removed blobs. */
  readonly reclaimed: number;
  /** What went wrong with single references, in their order: NOT_FOUND, CONFLICT, INVALID_ARGUMENT. */
  readonly errors: readonly EngineError[];
}

interface Work {
  /** What is still there, by ID; changes while the references are gone through. */
  readonly images: Map<Digest, StoredImage>;
  readonly names: string[];
  readonly deleted: StoredImage[];
  readonly actions: RemoveAction[];
}

/**
 * Removes names and images as `docker rmi` does. A name goes; with the last tag of a repository its names by digest go too; an image
 * whose last name went is deleted. By ID, digest or alias, an image goes with its names; several tags or repositories need `force`.
 * What can be removed is, in one step, whatever is wrong with the rest.
 *
 * @example Remove an image
 * ```ts
 * import { builtins, createCall, createEngine, importImage, removeImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const content = new Blob([new Uint8Array(1024)]).stream();
 * await importImage(engine, { content, reference: "app" }, createCall());
 * const { actions, errors } = await removeImages(engine, { images: ["app"] }, createCall());
 * console.log(actions.map(({ type }) => type), errors);
 * ```
 */
export async function removeImages(engine: RemoveEngine, input: RemoveInput, call: Call): Promise<RemoveResult> {
  const all = await readImages(engine.store, call);
  const work: Work = { images: new Map(all.map((image) => [image.id, image])), names: [], deleted: [], actions: [] };
  const errors: EngineError[] = [];
  for (const text of input.images) {
    try {
      removeOne(work, text, input.force === true);
    } catch (error) {
      if (!isEngineError(error)) throw error;
      errors.push(error);
    }
  }
  const request = {
    names: work.names,
    images: work.deleted,
    remaining: [...work.images.values()],
    keepsCache: input.noPrune === true,
  };
  const removal = await planRemoval(engine.store, request, call);
  if (removal.changes.length > 0) await carryOut(engine, removal, call);
  return { actions: withLayers(work.actions, removal.layers), reclaimed: removal.reclaimed, errors };
}

/** The report with the layers of each image behind it. */
export function withLayers(
  actions: readonly RemoveAction[],
  layers: ReadonlyMap<Digest, readonly Digest[]>,
): readonly RemoveAction[] {
  return actions.flatMap((action) =>
    action.type === "untagged"
      ? [action]
      : [action, ...(layers.get(action.digest) ?? []).map((digest): RemoveAction => ({ type: "deleted", digest }))]
  );
}

function removeOne(work: Work, text: string, force: boolean): void {
  const image = resolveAmong([...work.images.values()], text);
  if (image.matched === undefined && !force && !isSingleReference(image.names)) throw inUse(image);
  const going = withDigests(image.called, image.names);
  for (const name of going) {
    work.names.push(name);
    work.actions.push({ type: "untagged", name: familiarName(name) });
  }
  const left = image.names.filter((name) => !going.includes(name));
  if (left.length > 0) {
    work.images.set(image.id, { ...image, names: left });
    return;
  }
  work.images.delete(image.id);
  work.deleted.push(image);
  work.actions.push({ type: "deleted", digest: image.id });
}

/** The names, and those by digest of a repository whose last tag is among them. */
function withDigests(called: readonly string[], names: readonly string[]): readonly string[] {
  const kept = names.filter((name) => !called.includes(name)).map(splitName);
  const emptied = new Set(
    called.map(splitName).filter(({ tag }) => tag !== undefined).map(({ repository }) => repository),
  );
  for (const { repository, tag } of kept) if (tag !== undefined) emptied.delete(repository);
  const isLeftOver = (name: string): boolean => !called.includes(name) && emptied.has(splitName(name).repository);
  return [...called, ...names.filter(isLeftOver)];
}

function isSingleReference(names: readonly string[]): boolean {
  const parts = names.map(splitName);
  const isOneRepository = new Set(parts.map(({ repository }) => repository)).size <= 1;
  return names.length <= 1 || (isOneRepository && parts.filter(({ tag }) => tag !== undefined).length <= 1);
}

function inUse(image: StoredImage): EngineError {
  const short = digestHex(image.id).slice(0, 12);
  const state = `unable to delete ${short} (must be forced) - image is referenced in multiple repositories`;
  return new EngineError("CONFLICT", `Cannot remove image "${short}": ${state}`, {
    detail: { kind: "image", name: image.id, names: image.names.map(familiarName) },
    hint: "Remove it by its names, or add --force",
  });
}
