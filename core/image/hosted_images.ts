import type { Call } from "../contract/call.ts";
import type { Store } from "../contract/store.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { isIndexType, isManifestType } from "../oci/media_type.ts";
import { formatReference } from "../oci/reference.ts";
import { readDocument } from "../store/graph.ts";
import { imageName, NamePrefix, stripStoreAnnotations, uploadName } from "../store/names.ts";
import { type HostedManifest, isUnreadable, readHosted } from "./hosted_manifest.ts";
import { type Repository, repositoryPath } from "./hosted_name.ts";

/** Roots whose content is remembered, and digests of which is remembered where they were found. */
const maxRemembered = 4096;

/** Indexes may hold indexes; this deep. */
const maxDepth = 8;

/** A name in a repository. */
export interface HostedName {
  /** Name in the store. */
  readonly name: string;
  /** Tag; undefined in a name by digest. */
  readonly tag: string | undefined;
  readonly descriptor: Descriptor;
}

/** Everything that a manifest or an index leads to and that is in the store. */
interface Content {
  /** Itself and, of an index, what it lists, as far as it is there. */
  readonly manifests: ReadonlyMap<Digest, HostedManifest>;
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  /** Whether nothing that it lists is missing, so that it leads to the same for ever. */
  readonly isWhole: boolean;
}

/**
 * The repositories of a store as those of a registry. What a repository has is what its names lead to, and blobs that were sent to it and
 * wait for their manifest; nothing else of the store can be seen. Everything is looked up anew, because other processes change the
 * store; what a digest leads to is remembered.
 */
export class HostedImages {
  readonly #store: Store;
  readonly #contents = new Map<Digest, Content>();
  readonly #foundAt = new Map<string, { readonly name: string; readonly root: Digest }>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The manifest or index of a tag or a digest; undefined when the repository has none. */
  async find(repository: Repository, at: { readonly tag: string } | { readonly digest: Digest }, call: Call): Promise<
    Descriptor | undefined
  > {
    if ("tag" in at) {
      const named = await this.#store.resolve(imageName({ ...repository, tag: at.tag }), call);
      return named === undefined ? undefined : bare(named);
    }
    const named = await this.#store.resolve(imageName({ ...repository, digest: at.digest }), call);
    if (named !== undefined) return bare(named);
    return (await this.#search(repository, at.digest, call))?.manifests.get(at.digest)?.descriptor;
  }

  /** A blob that the repository has, with its size; undefined when it has none. Manifests are no blobs. */
  async findBlob(repository: Repository, digest: Digest, call: Call): Promise<Descriptor | undefined> {
    const sent = await this.#store.resolve(uploadName(repository, digest), call);
    if (sent !== undefined) return sent;
    return (await this.#search(repository, digest, call))?.blobs.get(digest);
  }

  /** A blob that any repository has. */
  async findAnywhere(digest: Digest, call: Call): Promise<Descriptor | undefined> {
    for await (const { name, descriptor } of this.#store.names(NamePrefix.upload, call)) {
      if (name.endsWith(`@${digest}`)) return descriptor;
    }
    for await (const { descriptor } of this.#store.names(NamePrefix.reference, call)) {
      const found = (await this.content(descriptor, call)).blobs.get(digest);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The names of a repository: tags in bytewise order, then those by digest. */
  async names(repository: Repository, call: Call): Promise<readonly HostedName[]> {
    const names: HostedName[] = [];
    const start = `${NamePrefix.reference}${formatReference(repository)}`;
    for await (const { name, descriptor } of this.#store.names(`${start}:`, call)) {
      names.push({ name, tag: name.slice(start.length + 1), descriptor });
    }
    for await (const { name, descriptor } of this.#store.names(`${start}@`, call)) {
      names.push({ name, tag: undefined, descriptor });
    }
    return names;
  }

  /** Paths of all repositories, in bytewise order. */
  async repositories(call: Call): Promise<readonly string[]> {
    const paths = new Set<string>();
    for await (const { name } of this.#store.names(NamePrefix.reference, call)) {
      const address = /^([^/]+)\/(.+?)(?::[^:/@]+|@.+)$/.exec(name.slice(NamePrefix.reference.length));
      const path = repositoryPath({ host: address?.[1] ?? "", repository: address?.[2] ?? "" });
      if (path !== undefined) paths.add(path);
    }
    return [...paths].sort();
  }

  /** Every manifest and index of a repository, by digest. */
  async manifests(repository: Repository, call: Call): Promise<ReadonlyMap<Digest, HostedManifest>> {
    const all = new Map<Digest, HostedManifest>();
    for (const { descriptor } of await this.names(repository, call)) {
      for (const [digest, manifest] of (await this.content(descriptor, call)).manifests) all.set(digest, manifest);
    }
    return all;
  }

  /** What a manifest or an index leads to. Documents that cannot be read lead nowhere. */
  async content({ mediaType, digest, size }: Descriptor, call: Call): Promise<Content> {
    const known = this.#contents.get(digest);
    if (known !== undefined) return known;
    const walk = { manifests: new Map<Digest, HostedManifest>(), blobs: new Map<Digest, Descriptor>(), missing: 0 };
    await this.#walk({ mediaType, digest, size }, { walk, depth: 0 }, call);
    const content = { manifests: walk.manifests, blobs: walk.blobs, isWhole: walk.missing === 0 };
    if (content.isWhole) remember(this.#contents, digest, content);
    return content;
  }

  /** Content of the name that leads to a digest; looked for where it was found before first. */
  async #search(repository: Repository, digest: Digest, call: Call): Promise<Content | undefined> {
    const key = `${formatReference(repository)}@${digest}`;
    const before = this.#foundAt.get(key);
    if (before !== undefined) {
      const named = await this.#store.resolve(before.name, call);
      if (named?.digest === before.root) return await this.content(named, call);
      this.#foundAt.delete(key);
    }
    for (const { name, descriptor } of await this.names(repository, call)) {
      const content = await this.content(descriptor, call);
      if (!content.manifests.has(digest) && !content.blobs.has(digest)) continue;
      remember(this.#foundAt, key, { name, root: descriptor.digest });
      return content;
    }
    return undefined;
  }

  async #walk(
    descriptor: Descriptor,
    at: {
      readonly walk: { manifests: Map<Digest, HostedManifest>; blobs: Map<Digest, Descriptor>; missing: number };
      readonly depth: number;
    },
    call: Call,
  ): Promise<void> {
    const { walk, depth } = at;
    if (walk.manifests.has(descriptor.digest)) return;
    const manifest = await this.#read(descriptor, call);
    if (manifest === undefined) {
      walk.missing++;
      return;
    }
    walk.manifests.set(descriptor.digest, manifest);
    for (const blob of manifest.blobs) walk.blobs.set(blob.digest, bare(blob));
    for (const blob of manifest.foreign) if (await this.#store.has(blob, call)) walk.blobs.set(blob.digest, bare(blob));
    if (depth >= maxDepth) return;
    for (const child of manifest.children) {
      const isRead = isManifestType(child.mediaType) || isIndexType(child.mediaType);
      if (isRead) await this.#walk(bare(child), { walk, depth: depth + 1 }, call);
      else walk.blobs.set(child.digest, bare(child));
    }
  }

  async #read(descriptor: Descriptor, call: Call): Promise<HostedManifest | undefined> {
    try {
      return readHosted(await readDocument(this.#store, descriptor, call), descriptor);
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }
}

/** Type, digest and size alone. */
export function bare(descriptor: Descriptor): Descriptor {
  const { mediaType, digest, size } = stripStoreAnnotations(descriptor);
  return { mediaType, digest, size };
}

function remember<K, V>(map: Map<K, V>, key: K, value: V): void {
  const oldest = map.size >= maxRemembered ? map.keys().next() : undefined;
  if (oldest?.done === false) map.delete(oldest.value);
  map.set(key, value);
}
