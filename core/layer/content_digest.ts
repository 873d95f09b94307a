import type { Digest } from "../oci/descriptor.ts";
import { createHasher, hashBytes, type Hasher } from "../stream/hash_stream.ts";

/** Hashes contents one after the other; one that comes in a single piece costs no hasher of its own. */
export class ContentDigest {
  #size = 0;
  #hasher: Hasher | undefined;
  #whole: Digest | undefined;

  /** Begins the next content, whose length is known. */
  begin(size: number): void {
    this.#size = size;
    this.#hasher = this.#whole = undefined;
  }

  /** Takes the next bytes of it. */
  update(bytes: Uint8Array): void {
    if (this.#hasher === undefined && bytes.length === this.#size) this.#whole = hashBytes(bytes);
    else (this.#hasher ??= createHasher()).update(bytes);
  }

  /** Digest of all of it. */
  digest(): Digest {
    return this.#whole ?? (this.#hasher ?? createHasher()).digest();
  }
}
