import type { ByteStream, Call, Descriptor, Digest, OpenContent } from "../../core/contract/mod.ts";
import { findBlob, landBlob, type StoreParts } from "./blob_table.ts";
import { chunksOf, createHash, digestOf, type Hash, hashFile, writeAll, writeHashed } from "./byte_sink.ts";
import { fileFailure, isEngineError } from "./failure.ts";
import { createTempFile, openTempFile, type TempFile } from "./temp_file.ts";

/** Content up to this size is hashed as a whole, without loading `node:crypto`. */
const SMALL_BYTES = 256 * 1024;

/** What an interrupted `put` leaves is kept for the next one from this size on. */
const RESUME_BYTES = 1024 * 1024;

/** Writes bytes of unknown digest; gives what they are. Leaves nothing behind when it fails. */
export async function ingestBlob(
  parts: StoreParts,
  content: { readonly stream: ByteStream; readonly mediaType: string },
  call: Call,
): Promise<Descriptor> {
  const what = `Cannot write content to store "${parts.layout.root}"`;
  const { mediaType } = content;
  const chunks = chunksOf(content.stream, { kit: parts.kit, what }, call);
  try {
    const head = await readHead(chunks);
    if (head.isWhole) {
      const bytes = concat(head.chunks);
      const blob = { digest: await digestOf(bytes, "sha256"), size: bytes.length };
      await landBytes(parts, blob, bytes);
      return { mediaType, ...blob };
    }
    using temp = createTempFile(parts.layout);
    const hash = await createHash("sha256");
    let size = 0;
    for await (const chunk of rejoin(head.chunks, chunks)) {
      await writeHashed(temp.file, chunk, hash);
      size += chunk.length;
    }
    const blob = { digest: `sha256:${hash.digest("hex")}` as Digest, size };
    await landFile(parts, temp, blob);
    return { mediaType, ...blob };
  } catch (error) {
    throw fileFailure(parts.kit, error, { what, path: parts.layout.root });
  } finally {
    await chunks.return();
  }
}

/**
 * Writes the bytes of a descriptor, going on with what an interrupted call left. Rejects `CONTENT_MISMATCH`; then, and on a full
 * disk, leaves nothing behind.
 */
export async function putBlob(
  parts: StoreParts,
  item: { readonly descriptor: Descriptor; readonly open: OpenContent },
  call: Call,
): Promise<void> {
  const { descriptor, open } = item;
  const what = `Cannot write blob "${descriptor.digest}"`;
  try {
    if (descriptor.size <= SMALL_BYTES) return await putSmall(parts, item, call);
    // When another process writes the same blob, both write all of it, and the one that ends last finds it there.
    using temp = openTempFile(parts.layout, descriptor.digest.replace(":", "-")) ?? createTempFile(parts.layout);
    if (findBlob(parts, descriptor.digest) === descriptor.size) return;
    const left = temp.file.statSync().size;
    const offset = left >= RESUME_BYTES && left <= descriptor.size ? left : 0;
    if (offset > 0 && await fill(parts, { temp, descriptor, open, offset }, call)) return;
    if (await fill(parts, { temp, descriptor, open, offset: 0 }, call)) return;
    throw parts.kit.error("INTERNAL", `${what}: it could not be read again`);
  } catch (error) {
    throw fileFailure(parts.kit, error, { what, path: parts.layout.root });
  }
}

async function putSmall(
  parts: StoreParts,
  item: { readonly descriptor: Descriptor; readonly open: OpenContent },
  call: Call,
): Promise<void> {
  const { descriptor } = item;
  const options = { kit: parts.kit, what: `Cannot write blob "${descriptor.digest}"` };
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of chunksOf(await item.open(), options, call)) {
    size += chunk.length;
    if (size > descriptor.size) throw wrongSize(parts, descriptor, `more than ${descriptor.size}`);
    chunks.push(chunk);
  }
  const bytes = concat(chunks);
  checkBlob(parts, descriptor, { size, digest: await digestOf(bytes, algorithmOf(descriptor)) });
  await landBytes(parts, descriptor, bytes);
}

interface Filling {
  readonly temp: TempFile;
  readonly descriptor: Descriptor;
  readonly open: OpenContent;
  /** How many bytes of the file are taken as they are. */
  readonly offset: number;
}

/** Writes the file from an offset on and lands it; false when what lay before the offset turned out to be of no use. */
async function fill(parts: StoreParts, filling: Filling, call: Call): Promise<boolean> {
  const { temp, descriptor, offset } = filling;
  const what = `Cannot write blob "${descriptor.digest}"`;
  const hash = await createHash(algorithmOf(descriptor));
  temp.file.truncateSync(offset);
  temp.file.seekSync(0, Deno.SeekMode.Start);
  if (!hashFile(temp.file, offset, hash)) return false;
  const stream = await openAt(filling);
  if (stream === undefined) return false;
  let size = offset;
  let isFromSource = true;
  try {
    for await (const chunk of chunksOf(stream, { kit: parts.kit, what }, call)) {
      size += chunk.length;
      if (size > descriptor.size) throw wrongSize(parts, descriptor, `more than ${descriptor.size}`);
      isFromSource = false;
      await writeHashed(temp.file, chunk, hash);
      isFromSource = true;
    }
  } catch (error) {
    const isWrong = isEngineError(error) && error.code === "CONTENT_MISMATCH";
    if (isWrong && offset > 0) return false;
    if (isFromSource && !isWrong && size >= RESUME_BYTES) temp.keep();
    throw error;
  }
  return await finish(parts, filling, { size, hash });
}

async function finish(
  parts: StoreParts,
  filling: Filling,
  written: { readonly size: number; readonly hash: Hash },
): Promise<boolean> {
  const { temp, descriptor, offset } = filling;
  const { size } = written;
  const digest: Digest = `${algorithmOf(descriptor)}:${written.hash.digest("hex")}`;
  if (offset > 0 && (size !== descriptor.size || digest !== descriptor.digest)) return false;
  checkBlob(parts, descriptor, { size, digest });
  await landFile(parts, temp, descriptor);
  return true;
}

/** The source's bytes from the offset on; undefined when it cannot start there. */
async function openAt(filling: Filling): Promise<ByteStream | undefined> {
  const { open, offset } = filling;
  if (offset === 0) return await open();
  try {
    return await open(offset);
  } catch (error) {
    if (isEngineError(error) && error.code === "UNSUPPORTED") return undefined;
    filling.temp.keep();
    throw error;
  }
}

async function landBytes(
  parts: StoreParts,
  blob: { readonly digest: Digest; readonly size: number },
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  if (findBlob(parts, blob.digest) === blob.size) return;
  using temp = createTempFile(parts.layout);
  writeAll(temp.file, bytes);
  await landFile(parts, temp, blob);
}

/** Puts a finished file on disk and in its place, unless the blob is there by now. */
async function landFile(
  parts: StoreParts,
  temp: TempFile,
  blob: { readonly digest: Digest; readonly size: number },
): Promise<void> {
  if (findBlob(parts, blob.digest) === blob.size) return;
  await temp.file.syncData();
  landBlob(parts, temp.path, blob);
}

function checkBlob(
  parts: StoreParts,
  descriptor: Descriptor,
  actual: { readonly size: number; readonly digest: Digest },
): void {
  if (actual.size !== descriptor.size) throw wrongSize(parts, descriptor, String(actual.size));
  if (actual.digest === descriptor.digest) return;
  throw parts.kit.error(
    "CONTENT_MISMATCH",
    `Cannot write blob "${descriptor.digest}": the digest of its bytes is ${actual.digest}`,
    { detail: { expected: descriptor.digest, actual: actual.digest } },
  );
}

function wrongSize(parts: StoreParts, descriptor: Descriptor, actual: string): Error {
  return parts.kit.error(
    "CONTENT_MISMATCH",
    `Cannot write blob "${descriptor.digest}": it has ${actual} bytes, expected ${descriptor.size}`,
    { detail: { expected: descriptor.size, actual } },
  );
}

function algorithmOf(descriptor: Descriptor): string {
  return descriptor.digest.slice(0, descriptor.digest.indexOf(":"));
}

/** First chunks of a stream, up to the size of small content; says whether that is all of it. */
async function readHead(
  chunks: AsyncIterator<Uint8Array<ArrayBuffer>>,
): Promise<{ readonly isWhole: boolean; readonly chunks: readonly Uint8Array<ArrayBuffer>[] }> {
  const head: Uint8Array<ArrayBuffer>[] = [];
  for (let size = 0; size <= SMALL_BYTES;) {
    const next = await chunks.next();
    if (next.done) return { isWhole: true, chunks: head };
    head.push(next.value);
    size += next.value.length;
  }
  return { isWhole: false, chunks: head };
}

async function* rejoin(
  head: readonly Uint8Array<ArrayBuffer>[],
  rest: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield* head;
  yield* rest;
}

function concat(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const only = chunks[0];
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
