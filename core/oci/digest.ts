import { EngineError } from "../errors.ts";
import type { Digest } from "./descriptor.ts";

const encoder = new TextEncoder();

/**
 * sha256 digest of a few bytes or of a text's UTF-8 form. Uses WebCrypto, which costs no start-up; for bytes in flight
 * see core/stream/hash_stream.ts.
 */
export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<Digest> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${hash.toHex()}`;
}

/** Digest of a few bytes by the algorithm of another digest. Throws `UNSUPPORTED` for one that is unknown. */
export async function digestBytes(bytes: Uint8Array<ArrayBuffer>, like: Digest): Promise<Digest> {
  const algorithm = like.slice(0, like.indexOf(":"));
  if (!Object.hasOwn(lengths, algorithm)) {
    throw new EngineError("UNSUPPORTED", `Cannot use digest algorithm "${algorithm}"`, { detail: { what: algorithm } });
  }
  const hash = new Uint8Array(await crypto.subtle.digest(algorithm.replace("sha", "SHA-"), bytes));
  return `${algorithm}:${hash.toHex()}`;
}

const lengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Whether the text is a well-formed digest of a known algorithm, lower-case hex (image-spec, descriptor.md, "Digests"). */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  const length = lengths[text.slice(0, colon)];
  const hex = text.slice(colon + 1);
  return length !== undefined && hex.length === length && /^[0-9a-f]+$/.test(hex);
}

/** The digest in the text. Throws `INVALID_ARGUMENT`. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot read digest "${text.slice(0, 160)}": expected sha256: and 64 hex digits`,
    {
      detail: { field: "digest", value: text.slice(0, 160) },
    },
  );
}

/** The hex part of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}
