import { assert } from "@std/assert";
import type { BlobInfo, ByteStream, Call, Descriptor, Digest, OpenContent, Store } from "../contract/mod.ts";
import { type ErrorCode, isEngineError } from "../errors.ts";
import { createHasher } from "../stream/hash_stream.ts";

/** A call that nobody aborts. */
export const call: Call = { signal: new AbortController().signal, emit: () => {} };

/** Bytes that look random and are the same for the same seed. */
export function makeBytes(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

/** The descriptor of bytes. */
export function describe(bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): Descriptor {
  const hasher = createHasher(algorithm);
  hasher.update(bytes);
  return { mediaType: "application/octet-stream", digest: hasher.digest(), size: bytes.length };
}

/** A stream of bytes in chunks. */
export function chunked(bytes: Uint8Array<ArrayBuffer>, chunkSize = 64 * 1024): ByteStream {
  let at = 0;
  return new ReadableStream({
    pull(controller): void {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += chunkSize));
    },
  });
}

/** Opens bytes again and again, at any offset. */
export function opener(bytes: Uint8Array<ArrayBuffer>): OpenContent {
  return (offset = 0) => Promise.resolve(chunked(bytes.subarray(offset)));
}

/** Puts bytes into the store. */
export async function putBytes(store: Store, bytes: Uint8Array<ArrayBuffer>): Promise<Descriptor> {
  const descriptor = describe(bytes);
  await store.put(descriptor, opener(bytes), call);
  return descriptor;
}

/** Everything that a blob holds. */
export async function readBlob(
  store: Store,
  descriptor: Descriptor,
  offset?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(await store.open(descriptor, call, offset)).arrayBuffer());
}

/** Names with a prefix, as the store gives them. */
export async function listNames(store: Store, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.names(prefix, call)) names.push(name);
  return names;
}

/** Digests of all blobs, sorted. */
export async function listDigests(blobs: AsyncIterable<BlobInfo>): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const { digest } of blobs) digests.push(digest);
  return digests.sort();
}

/** Collects with a fixed set of marks; gives the digests that went, sorted. */
export async function collectExcept(store: Store, kept: readonly Descriptor[] = []): Promise<Digest[]> {
  const marks = new Set(kept.map(({ digest }) => digest));
  return await listDigests(store.collect(() => Promise.resolve(marks), call));
}

/** Fails unless the work rejects with the code. */
export async function assertCode(code: ErrorCode, work: () => Promise<unknown>): Promise<void> {
  let failure: unknown;
  try {
    await work();
  } catch (error) {
    failure = error;
  }
  assert(failure !== undefined, `expected ${code}, but it did not fail`);
  assert(isEngineError(failure), `expected an engine error, got ${failure}`);
  assert(failure.code === code, `expected ${code}, got ${failure.code}: ${failure.message}`);
}
