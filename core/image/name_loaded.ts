import type { Call } from "../contract/call.ts";
import type { NameChange } from "../contract/store.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { formatReference, parseReference, type Reference } from "../oci/reference.ts";
import { imageIdName, imageName } from "../store/names.ts";
import { recordChecked } from "./image_record.ts";
import { familiarName, readImages, readRecord } from "./stored_image.ts";

/**
 * One loaded image.
 *
 * @example Names that were taken from other images
 * ```ts
 * import type { LoadedImage } from "@strata/strata";
 *
 * const taken = ({ replaced }: LoadedImage): string[] => replaced.map(({ name }) => name);
 * ```
 */
export interface LoadedImage {
  /** Image ID, the same as where it was saved. */
  readonly id: Digest;
  /** Familiar names it now has from this archive; empty when it was saved without one. */
  readonly names: readonly string[];
  /** Names that belonged to another image before; that one is now without them. */
  readonly replaced: readonly { readonly name: string; readonly id: Digest }[];
}

/** An image whose content is in the store and that is to get names. */
export interface CopiedImage {
  readonly descriptor: Descriptor;
  readonly references: readonly Reference[];
}

/**
 * Checks the layers of copied images against their diffIDs, of which those are told that were found out already, then names all of the images in one step. Rejects as `recordImage`
 * does; nothing has a name then.
 */
export async function nameLoaded(
  engine: Pick<Engine, "store">,
  copied: readonly CopiedImage[],
  { diffIds }: { readonly diffIds: ReadonlyMap<Digest, Digest> },
  call: Call,
): Promise<readonly LoadedImage[]> {
  const { store } = engine;
  const owners = new Map<string, Digest>();
  for (const { id, names } of await readImages(store, call)) for (const name of names) owners.set(name, id);
  const changes: NameChange[] = [];
  const loaded: LoadedImage[] = [];
  for (const { descriptor, references } of copied) {
    const recorded = await recordChecked(store, { descriptor, diffIds }, call);
    const { id } = readRecord(recorded);
    changes.push({ name: imageIdName(id), descriptor: recorded });
    changes.push(...references.map((reference) => ({ name: imageName(reference), descriptor: recorded })));
    const names = references.map(formatReference);
    const replaced = names.flatMap((name) => {
      const owner = owners.get(name);
      return owner === undefined || owner === id ? [] : [{ name: familiarName(name), id: owner }];
    });
    loaded.push({ id, names: names.map(familiarName), replaced });
  }
  if (changes.length > 0) await store.update(changes, call);
  return loaded;
}

/**
 * The reference that a name in an archive stands for; undefined for an image without one, for a bare tag such as `latest`, which says
 * nothing of a repository, and, with a warning, for what is no reference.
 */
export function readIncomingName(name: string, call: Call): Reference | undefined {
  if (name.startsWith("@") || !/[:/]/.test(name)) return undefined;
  try {
    const { host, repository, tag } = parseReference(name);
    return tag === undefined ? undefined : { host, repository, tag };
  } catch (error) {
    if (!isEngineError(error)) throw error;
    call.emit({ type: "warning", code: "UnusableName", message: error.message });
    return undefined;
  }
}
