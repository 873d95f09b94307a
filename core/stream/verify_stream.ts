import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { type ByteStream, readChunks, streamOver } from "./byte_stream.ts";
import { createHasher, type DigestAlgorithm } from "./hash_stream.ts";

/** What bytes are expected to be; any descriptor will do. */
export interface ExpectedContent {
  /** Digest of the bytes. */
  readonly digest: Digest;
  /** Their number. */
  readonly size: number;
}

/**
 * The same bytes, checked: `size` is a limit while reading, and the last chunk is given only once the digest has been
 * found right, so that no reader who has all bytes has wrong ones. Errors with `CONTENT_MISMATCH`; throws `UNSUPPORTED`
 * at once for a digest algorithm other than sha256, sha384 and sha512.
 */
export function verifyStream(stream: ByteStream, expected: ExpectedContent): ByteStream {
  algorithmOf(expected.digest);
  return streamOver(verified(stream, expected), () => stream.cancel());
}

async function* verified(stream: ByteStream, expected: ExpectedContent): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const hasher = createHasher(algorithmOf(expected.digest));
  for await (const chunk of readChunks(stream)) {
    const size = hasher.size + chunk.length;
    if (size > expected.size) throw sizeMismatch(expected, size, `more than ${expected.size} bytes`);
    if (chunk.length === 0) continue;
    hasher.update(chunk);
    if (size === expected.size) checkDigest(expected, hasher.digest());
    yield chunk;
  }
  if (hasher.size < expected.size) throw sizeMismatch(expected, hasher.size, `${hasher.size} bytes`);
  checkDigest(expected, hasher.digest());
}

function algorithmOf(digest: Digest): DigestAlgorithm {
  const algorithm = digest.slice(0, digest.indexOf(":"));
  if (algorithm === "sha256" || algorithm === "sha384" || algorithm === "sha512") return algorithm;
  throw new EngineError("UNSUPPORTED", `Cannot verify content "${digest}": unknown digest algorithm`, {
    detail: { what: algorithm, known: ["sha256", "sha384", "sha512"] },
  });
}

function checkDigest(expected: ExpectedContent, actual: Digest): void {
  if (actual === expected.digest) return;
  throw new EngineError("CONTENT_MISMATCH", `Cannot verify content "${expected.digest}": its digest is ${actual}`, {
    detail: { expected: expected.digest, actual },
  });
}

function sizeMismatch(expected: ExpectedContent, actual: number, state: string): EngineError {
  return new EngineError(
    "CONTENT_MISMATCH",
    `Cannot verify content "${expected.digest}": got ${state}, expected ${expected.size}`,
    { detail: { expected: expected.size, actual } },
  );
}
