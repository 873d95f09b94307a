import type { ByteStream } from "../contract/call.ts";
import { EngineError, isEngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { readChunks, streamOf, streamOver } from "../stream/byte_stream.ts";
import { collect } from "../stream/collect.ts";
import { verifyStream } from "../stream/verify_stream.ts";

/** Content up to this many bytes is checked before any of it is given, and without loading `node:crypto`. */
const SMALL_BYTES = 256 * 1024;

/** What checking a stream is told beyond what to expect. */
export interface CheckOptions {
  /** File of this host that the bytes come from; named in the hint. */
  readonly path?: string | undefined;
  /** Called when all bytes were read and found right. */
  readonly onRight?: () => void;
}

/** The same bytes from the start, checked against the descriptor. Rejects or errors with `CONTENT_MISMATCH`. */
export async function checkWhole(
  stream: ByteStream,
  descriptor: Descriptor,
  options: CheckOptions = {},
): Promise<ByteStream> {
  const isSmall = descriptor.size <= SMALL_BYTES && descriptor.digest.startsWith("sha256:");
  if (!isSmall) {
    const verified = verifyStream(stream, descriptor);
    return streamOver(advised(verified, options), () => verified.cancel());
  }
  const bytes = await collect(checkLength(stream, { descriptor, offset: 0 }, options), descriptor.size);
  const actual = await sha256(bytes);
  if (actual !== descriptor.digest) {
    throw mismatch(descriptor, `its digest is ${actual}`, { detail: { expected: descriptor.digest, actual }, options });
  }
  options.onRight?.();
  return streamOf(bytes);
}

/** The same bytes, which must be exactly those that are left of the descriptor's size after an offset. */
export function checkLength(
  stream: ByteStream,
  part: { readonly descriptor: Descriptor; readonly offset: number },
  options: CheckOptions = {},
): ByteStream {
  return streamOver(counted(stream, part, options), () => stream.cancel());
}

async function* counted(
  stream: ByteStream,
  part: { readonly descriptor: Descriptor; readonly offset: number },
  options: CheckOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { descriptor } = part;
  const expected = descriptor.size;
  let actual = part.offset;
  for await (const chunk of readChunks(stream)) {
    actual += chunk.length;
    if (actual > expected) {
      throw mismatch(descriptor, `got more than ${expected} bytes`, { detail: { expected, actual }, options });
    }
    yield chunk;
  }
  if (actual === expected) return;
  throw mismatch(descriptor, `got ${actual} bytes, expected ${expected}`, { detail: { expected, actual }, options });
}

async function* advised(stream: ByteStream, options: CheckOptions): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    yield* readChunks(stream);
  } catch (error) {
    if (!isEngineError(error) || error.code !== "CONTENT_MISMATCH") throw error;
    throw new EngineError(error.code, error.message, { cause: error, detail: error.detail, ...advice(options) });
  }
  options.onRight?.();
}

function mismatch(
  descriptor: Descriptor,
  state: string,
  facts: { readonly detail: Readonly<Record<string, unknown>>; readonly options: CheckOptions },
): EngineError {
  return new EngineError("CONTENT_MISMATCH", `Cannot verify content "${descriptor.digest}": ${state}`, {
    detail: facts.detail,
    ...advice(facts.options),
  });
}

function advice(options: CheckOptions): { hint?: string } {
  if (options.path === undefined) return {};
  return { hint: `Delete the damaged file "${options.path}" and build, load or pull the image again` };
}
