import type { Call } from "../contract/call.ts";
import type { NameChange, Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { imageIdName, imageName, StoreAnnotation, uploadName } from "../store/names.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { bare, type HostedImages, type HostedName } from "./hosted_images.ts";
import { type HostedManifest, isUnreadable, readHosted } from "./hosted_manifest.ts";
import type { Repository } from "./hosted_name.ts";
import { recordUnread } from "./image_record.ts";
import { namesGone } from "./hosted_remove.ts";
import { readRecord } from "./stored_image.ts";

/** A manifest or an index that a client sent. */
export interface ReceivedManifest {
  readonly repository: Repository;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its type as the client told it. */
  readonly mediaType: string;
  /** Digest that it has to have. */
  readonly digest: Digest;
  /** Tags that it gets; without any it is kept by its digest. */
  readonly tags: readonly string[];
}

/**
 * Takes a manifest or an index into a repository; that is the one moment at which the image appears. Its bytes stay as they are. An image
 * that loses its tag to it stays in the repository by its digest, and what an index lists belongs to the index from then on. Rejects
 * `CONTENT_MISMATCH` for a broken document, `UNSUPPORTED` for another kind of document, and `NOT_FOUND` with `detail.missing`, the digests
 * of blobs and manifests that the repository does not have.
 */
export async function receiveManifest(
  { store, images }: { readonly store: Store; readonly images: HostedImages },
  received: ReceivedManifest,
  call: Call,
): Promise<HostedManifest> {
  const { repository, bytes, digest, mediaType } = received;
  const descriptor = { mediaType, digest, size: bytes.length };
  const manifest = readHosted(bytes, descriptor);
  await using lease = await store.lease(call);
  void lease;
  await checkParts({ store, images }, { repository, manifest }, call);
  await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
  const recorded = await record(store, descriptor, call);
  const names = await images.names(repository, call);
  const changes = [
    ...await nameChanges(images, { received, recorded, names }, call),
    ...await childChanges(store, { manifest, names }, call),
    ...[...manifest.blobs, ...manifest.foreign].map(({ digest }) => drop(uploadName(repository, digest))),
  ];
  await store.update(changes, call);
  return manifest;
}

async function checkParts(
  { store, images }: { readonly store: Store; readonly images: HostedImages },
  { repository, manifest }: { readonly repository: Repository; readonly manifest: HostedManifest },
  call: Call,
): Promise<void> {
  const missing: Digest[] = [];
  const need = async (part: Descriptor, found: Descriptor | undefined): Promise<void> => {
    if (found === undefined || found.size !== part.size || !await store.has(bare(part), call)) {
      missing.push(part.digest);
    }
  };
  for (const blob of manifest.blobs) await need(blob, await images.findBlob(repository, blob.digest, call));
  for (const child of manifest.children) {
    const isManifest = isManifestType(child.mediaType) || isIndexType(child.mediaType);
    const at = { digest: child.digest };
    await need(
      child,
      await (isManifest ? images.find(repository, at, call) : images.findBlob(repository, child.digest, call)),
    );
  }
  if (missing.length === 0) return;
  const { digest } = manifest.descriptor;
  const shown = missing.slice(0, 10).join(", ");
  throw new EngineError("NOT_FOUND", `Cannot take manifest "${digest}": the repository does not have ${shown}`, {
    detail: { kind: "blob", name: digest, missing },
    hint: "Send what it refers to first",
  });
}

/** What names of images carry. What cannot be read as an image counts as one of its own, as whatever else a registry keeps. */
async function record(store: Store, descriptor: Descriptor, call: Call): Promise<Descriptor> {
  try {
    return await recordUnread(store, descriptor, call);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const facts = { [StoreAnnotation.imageId]: descriptor.digest, [StoreAnnotation.imageSize]: "0" };
    return { ...descriptor, annotations: { ...facts, [StoreAnnotation.imagePlatform]: "" } };
  }
}

async function nameChanges(
  images: HostedImages,
  { received: { repository, digest, tags }, recorded, names }: {
    readonly received: ReceivedManifest;
    readonly recorded: Descriptor;
    readonly names: readonly HostedName[];
  },
  call: Call,
): Promise<NameChange[]> {
  const changes: NameChange[] = [{ name: imageIdName(readRecord(recorded).id), descriptor: recorded }];
  if (tags.length === 0 && await images.find(repository, { digest }, call) === undefined) {
    changes.push({ name: imageName({ ...repository, digest }), descriptor: recorded });
  }
  for (const tag of tags) changes.push({ name: imageName({ ...repository, tag }), descriptor: recorded });
  if (tags.length > 0) changes.push(drop(imageName({ ...repository, digest })));
  for (const { descriptor } of names.filter(({ tag }) => tag !== undefined && tags.includes(tag))) {
    const isElsewhere = names.some((other) =>
      other.descriptor.digest === descriptor.digest && (other.tag === undefined || !tags.includes(other.tag))
    );
    if (isElsewhere || descriptor.digest === digest) continue;
    changes.push({ name: imageName({ ...repository, digest: descriptor.digest }), descriptor });
  }
  return changes;
}

/** Names by digest of what an index lists go: it is found by the index now, and is no image of its own. */
async function childChanges(
  store: Store,
  { manifest, names }: {
    readonly manifest: HostedManifest;
    readonly names: readonly HostedName[];
  },
  call: Call,
): Promise<readonly NameChange[]> {
  const digests = new Set(manifest.children.map(({ digest }) => digest));
  const going = names.filter(({ tag, descriptor }) => tag === undefined && digests.has(descriptor.digest));
  return await namesGone(store, going, call);
}

function drop(name: string): NameChange {
  return { name, descriptor: undefined };
}
