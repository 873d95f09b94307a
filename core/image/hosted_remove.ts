import type { Call } from "../contract/call.ts";
import type { NameChange, Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { imageIdName, imageName, NamePrefix, uploadName } from "../store/names.ts";
import type { HostedImages, HostedName } from "./hosted_images.ts";
import type { Repository } from "./hosted_name.ts";
import { readImages, readRecord } from "./stored_image.ts";

/** What removing from a repository needs. */
export interface RemovePlace {
  readonly store: Store;
  readonly images: HostedImages;
}

/** Takes a tag away; its image stays in the repository by its digest. False when there is no such tag. */
export async function removeTag(
  { store, images }: RemovePlace,
  { repository, tag }: { readonly repository: Repository; readonly tag: string },
  call: Call,
): Promise<boolean> {
  const names = await images.names(repository, call);
  const going = names.find((each) => each.tag === tag);
  if (going === undefined) return false;
  const { digest } = going.descriptor;
  const isElsewhere = names.some((each) => each !== going && each.descriptor.digest === digest);
  const kept = { name: imageName({ ...repository, digest }), descriptor: going.descriptor };
  await store.update([{ name: going.name, descriptor: undefined }, ...isElsewhere ? [] : [kept]], call);
  return true;
}

/**
 * Takes an image out of a repository: every tag that points at it and its name by digest; without other names it is none any more. False
 * when the repository does not have it. Rejects `CONFLICT` when an index there lists it.
 */
export async function removeManifest(
  { store, images }: RemovePlace,
  { repository, digest }: { readonly repository: Repository; readonly digest: Digest },
  call: Call,
): Promise<boolean> {
  const manifests = await images.manifests(repository, call);
  if (!manifests.has(digest)) return false;
  for (const { descriptor, children } of manifests.values()) {
    if (!children.some((child) => child.digest === digest)) continue;
    throw new EngineError("CONFLICT", `Cannot delete manifest "${digest}": the index "${descriptor.digest}" lists it`, {
      detail: { kind: "manifest", name: digest, index: descriptor.digest },
      hint: "Delete the index first",
    });
  }
  const going = (await images.names(repository, call)).filter(({ descriptor }) => descriptor.digest === digest);
  await store.update(await namesGone(store, going, call), call);
  return true;
}

/** Takes names away, and the image IDs of images that have no other name. */
export async function namesGone(
  store: Store,
  going: readonly HostedName[],
  call: Call,
): Promise<readonly NameChange[]> {
  if (going.length === 0) return [];
  const names = new Set(going.map(({ name }) => name));
  const all = await readImages(store, call);
  const ids = new Set(going.map(({ descriptor }) => readRecord(descriptor).id));
  const last = [...ids].filter((id) =>
    all.find((image) => image.id === id)?.names.every((name) => names.has(`${NamePrefix.reference}${name}`)) === true
  );
  return [...names, ...last.map(imageIdName)].map((name) => ({ name, descriptor: undefined }));
}

/**
 * Takes a blob that no manifest refers to out of a repository. False when the repository does not have it. Rejects `CONFLICT` when a
 * manifest there refers to it.
 */
export async function removeBlob(
  { store, images }: RemovePlace,
  { repository, digest }: { readonly repository: Repository; readonly digest: Digest },
  call: Call,
): Promise<boolean> {
  const wasSent = await store.untag(uploadName(repository, digest), call);
  if (await images.findBlob(repository, digest, call) === undefined) return wasSent;
  throw new EngineError("CONFLICT", `Cannot delete blob "${digest}": an image of the repository needs it`, {
    detail: { kind: "blob", name: digest },
    hint: "Delete the manifest that refers to it first",
  });
}
