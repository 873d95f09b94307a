import type { ByteStream } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { readChunks, streamFrom, streamOf, streamOver } from "../stream/byte_stream.ts";
import { escapeText } from "../tar/field.ts";
import type { SparseSegment } from "../tar/sparse.ts";

/** Where the content of a file is inside the uncompressed tar of its layer. */
export interface FileLocation {
  /** Path, for messages. */
  readonly path: string;
  /** Bytes of content. */
  readonly size: number;
  /** Where the stored bytes begin in the tar. */
  readonly offset: number;
  /** Which parts are stored, one after the other; all when left out. */
  readonly sparse?: readonly SparseSegment[];
}

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Exactly the bytes of a file from `start` on, out of the tar that `open` gives at a byte. The stream errors with
 * `CONTENT_MISMATCH` when the tar ends before the file does.
 */
export async function openFile(
  file: FileLocation,
  start: number,
  open: (offset: number) => Promise<ByteStream>,
): Promise<ByteStream> {
  if (start >= file.size) return streamOf();
  if (file.sparse !== undefined) return streamFrom(skipped(expanded(file, file.sparse, open), start));
  const stream = await open(file.offset + start);
  return streamOver(exactly(stream, file, file.size - start), () => stream.cancel());
}

async function* exactly(stream: ByteStream, file: FileLocation, size: number): AsyncGenerator<Bytes> {
  let left = size;
  for await (const chunk of readChunks(stream)) {
    const part = chunk.length <= left ? chunk : chunk.subarray(0, left);
    left -= part.length;
    yield part;
    if (left === 0) return;
  }
  throw new EngineError(
    "CONTENT_MISMATCH",
    `Cannot read file "${escapeText(file.path)}": its layer ends ${left} bytes too early`,
    { detail: { expected: size, actual: size - left } },
  );
}

async function* expanded(
  file: FileLocation,
  segments: readonly SparseSegment[],
  open: (offset: number) => Promise<ByteStream>,
): AsyncGenerator<Bytes> {
  let end = 0;
  let stored = file.offset;
  for (const [offset, length] of segments) {
    yield* zeros(offset - end);
    yield* exactly(await open(stored), file, length);
    stored += length;
    end = offset + length;
  }
  yield* zeros(file.size - end);
}

function* zeros(size: number): Generator<Bytes> {
  for (let left = size; left > 0; left -= 64 << 10) yield new Uint8Array(Math.min(left, 64 << 10));
}

async function* skipped(chunks: AsyncGenerator<Bytes>, start: number): AsyncGenerator<Bytes> {
  let left = start;
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.min(left, chunk.length));
    left -= chunk.length - part.length;
    yield part;
  }
}
