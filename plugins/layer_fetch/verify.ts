import type { ByteStream, Digest } from "../../core/contract/mod.ts";

/** Digest of a stream with the algorithm of another digest: sha256, sha384 or sha512. Reads the stream to its end. */
export async function digestLike(wanted: Digest, stream: ByteStream): Promise<Digest> {
  // Loaded here: only a download whose checksum is not sha256 needs it, and it costs much of a start.
  const { createHash } = await import("node:crypto");
  const algorithm = wanted.slice(0, wanted.indexOf(":"));
  const hash = createHash(algorithm);
  for await (const chunk of stream) hash.update(chunk);
  return `${algorithm}:${hash.digest("hex")}`;
}
