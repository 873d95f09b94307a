import { sha256 } from "../../core/oci/digest.ts";

/** A manifest as it was pushed. */
export interface StoredManifest {
  /** Its Content-Type. */
  readonly mediaType: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What one repository holds. */
export interface RepositoryContent {
  /** Blobs by digest. */
  readonly blobs: Map<string, Uint8Array<ArrayBuffer>>;
  /** Manifests by digest. */
  readonly manifests: Map<string, StoredManifest>;
  /** Digests by tag. */
  readonly tags: Map<string, string>;
}

/** Everything that a test registry holds; tests may look into it and change it. */
export class RegistryContent {
  /** Repositories by name. */
  readonly repositories = new Map<string, RepositoryContent>();

  /** A repository, which is made when it is not there. */
  repository(name: string): RepositoryContent {
    let found = this.repositories.get(name);
    if (found === undefined) {
      found = { blobs: new Map(), manifests: new Map(), tags: new Map() };
      this.repositories.set(name, found);
    }
    return found;
  }

  /** Puts a blob in; gives its digest. */
  async addBlob(repository: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const digest = await sha256(bytes);
    this.repository(repository).blobs.set(digest, bytes);
    return digest;
  }

  /** Puts a manifest in, under a tag when one is given; gives its digest. */
  async addManifest(
    repository: string,
    { mediaType, bytes }: StoredManifest,
    tag?: string,
  ): Promise<string> {
    const digest = await sha256(bytes);
    const { manifests, tags } = this.repository(repository);
    manifests.set(digest, { mediaType, bytes });
    if (tag !== undefined) tags.set(tag, digest);
    return digest;
  }
}
