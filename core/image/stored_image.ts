import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { NamePrefix, StoreAnnotation } from "../store/names.ts";

/** Facts about one stored image, read from the annotations of its name alone. */
export interface ImageRecord {
  /** Image ID: digest of the config bytes; of an index, its own digest. */
  readonly id: Digest;
  /** When the image was made; undefined when its config does not say. */
  readonly created: Date | undefined;
  /** Bytes of the files in its layers; of an index, over all platforms with shared layers counted once. */
  readonly size: number;
  /** Platforms, e.g. `linux/amd64`; several of an index joined by `,`. */
  readonly platform: string;
}

/** One image of the store with all its names. */
export interface StoredImage extends ImageRecord {
  /** Manifest or index, with the store's annotations. */
  readonly descriptor: Descriptor;
  /**
   * The descriptor of each name: manifests with one config, such as one with plain and one with compressed layers, are one image, so
   * names of an image can have different ones.
   */
  readonly targets: ReadonlyMap<string, Descriptor>;
  /** Canonical names (`docker.io/library/app:v1`, `host/repo@sha256:…`), bytewise order; empty when dangling. */
  readonly names: readonly string[];
  /** When a name of the image was last written; undefined when dangling or unknown. */
  readonly taggedAt: Date | undefined;
}

/** Parts of a stored name. */
export interface NameParts {
  /** Host and repository in familiar form, e.g. `alpine`. */
  readonly repository: string;
  /** Tag; undefined in a name by digest. */
  readonly tag: string | undefined;
  /** Digest; undefined in a name by tag. */
  readonly digest: Digest | undefined;
}

/** Every image of the store, in order of ID. Reads names only, no blob. */
export async function readImages(store: Pick<Store, "names">, call: Call): Promise<readonly StoredImage[]> {
  const images = new Map<Digest, GatheredImage>();
  for await (const { descriptor } of store.names(NamePrefix.image, call)) gather(images, descriptor);
  for await (const { name, descriptor, updatedAt } of store.names(NamePrefix.reference, call)) {
    const image = gather(images, descriptor);
    const shortName = name.slice(NamePrefix.reference.length);
    image.targets.set(shortName, descriptor);
    image.names.push(shortName);
    if (updatedAt !== undefined && (image.taggedAt === undefined || image.taggedAt < updatedAt)) {
      image.taggedAt = updatedAt;
    }
  }
  return [...images.keys()].sort().flatMap((id) => images.get(id) ?? []);
}

/** An image whose names are still being read. */
interface GatheredImage extends StoredImage {
  readonly targets: Map<string, Descriptor>;
  readonly names: string[];
  taggedAt: Date | undefined;
}

function gather(images: Map<Digest, GatheredImage>, descriptor: Descriptor): GatheredImage {
  const known = images.get(idOf(descriptor));
  if (known !== undefined) return known;
  const { id, created, size, platform } = readRecord(descriptor);
  const image: GatheredImage = {
    id,
    created,
    size,
    platform,
    descriptor,
    targets: new Map(),
    names: [],
    taggedAt: undefined,
  };
  images.set(id, image);
  return image;
}

/** Every descriptor that keeps an image, each once: the image's own and those of its names. */
export function rootsOf(images: readonly StoredImage[]): readonly Descriptor[] {
  const roots = new Map<Digest, Descriptor>();
  for (const { descriptor, names, targets } of images) {
    roots.set(descriptor.digest, descriptor);
    for (const name of names) {
      const target = targets.get(name);
      if (target !== undefined) roots.set(target.digest, target);
    }
  }
  return [...roots.values()];
}

/** Reads what `recordImage` wrote. A descriptor without it counts as its own ID, of no size. */
export function readRecord(descriptor: Descriptor): ImageRecord {
  const facts = descriptor.annotations ?? {};
  const created = new Date(facts[StoreAnnotation.imageCreated] ?? NaN);
  return {
    id: idOf(descriptor),
    created: Number.isNaN(created.getTime()) ? undefined : created,
    size: Number(facts[StoreAnnotation.imageSize] ?? 0),
    platform: facts[StoreAnnotation.imagePlatform] ?? "",
  };
}

function idOf({ annotations, digest }: Descriptor): Digest {
  // Written by recordImage() from a digest.
  return (annotations?.[StoreAnnotation.imageId] ?? digest) as Digest;
}

/** Splits a canonical name of the store. */
export function splitName(name: string): NameParts {
  const familiar = familiarName(name);
  const at = familiar.indexOf("@");
  if (at >= 0) return { repository: familiar.slice(0, at), tag: undefined, digest: familiar.slice(at + 1) as Digest };
  const colon = familiar.lastIndexOf(":");
  return { repository: familiar.slice(0, colon), tag: familiar.slice(colon + 1), digest: undefined };
}

/** A canonical name as docker shows it: without `docker.io/` and `library/`. */
export function familiarName(name: string): string {
  if (!name.startsWith("docker.io/")) return name;
  const rest = name.slice("docker.io/".length);
  const isOfficial = rest.startsWith("library/") && !rest.slice("library/".length).includes("/");
  return isOfficial ? rest.slice("library/".length) : rest;
}
