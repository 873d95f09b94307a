import { type ByteStream, readChunks, streamOver } from "./byte_stream.ts";
import type { BlockOrder, Codec, CompressedBlock } from "./compress_block.ts";
import { createWorkerPool, type WorkerPool } from "./worker_pool.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How bytes are compressed. */
export interface Encoding {
  readonly codec: Codec;
  /** 1 to 9 for gzip, 1 to 22 for zstd. */
  readonly level: number;
}

/** Compresses streams with all cores. Disposing ends its threads. */
export interface Compressor extends Disposable {
  /**
   * The stream, compressed: one gzip member, or zstd frames. Equal bytes give equal bytes however many threads there are. Not more than a
   * few blocks of each thread are in memory.
   */
  compress(stream: ByteStream, encoding: Encoding): ByteStream;
}

/** Bytes of a block. Of gzip, larger ones gain nothing and smaller ones lose (measured on Deno 2.9.6); zstd frames share nothing. */
const blockBytes: Readonly<Record<Codec, number>> = { gzip: 1 << 20, zstd: 4 << 20 };
/** How far back deflate can refer (RFC 1951). */
const windowBytes = 32 << 10;
/** More threads than this would take more memory than they are worth. */
const maxThreads = 16;

/** Makes a compressor; code is loaded and threads are started when there is work for them. */
export function createCompressor(threads: number = navigator.hardwareConcurrency): Compressor {
  let pool: WorkerPool<BlockOrder, CompressedBlock> | undefined;
  const openPool = (): WorkerPool<BlockOrder, CompressedBlock> =>
    pool ??= createWorkerPool(new URL("./compress_worker.ts", import.meta.url), Math.min(threads, maxThreads));
  return {
    compress: (stream, encoding) => streamOver(compressed(stream, encoding, openPool), () => stream.cancel()),
    [Symbol.dispose]: () => pool?.[Symbol.dispose](),
  };
}

async function* compressed(
  stream: ByteStream,
  encoding: Encoding,
  openPool: () => WorkerPool<BlockOrder, CompressedBlock>,
): AsyncGenerator<Bytes> {
  const { codec } = encoding;
  const { checksumOf, compressBlock } = await import("./compress_block.ts");
  const free: ArrayBuffer[] = [];
  const pending: Promise<CompressedBlock>[] = [];
  const take = async (): Promise<Bytes> => {
    const { bytes, buffer } = await (pending.shift() ?? Promise.reject(new RangeError("no block is pending")));
    free.push(buffer);
    return bytes;
  };
  let checksum = 0;
  let size = 0;
  let dictionary: Bytes = new Uint8Array(0);
  if (codec === "gzip") yield gzipHeader();
  for await (const { block, isLast } of blocksOf(stream, blockBytes[codec], free)) {
    const order: BlockOrder = { ...encoding, block, isLast, ...(codec === "gzip" ? { dictionary } : {}) };
    checksum = codec === "gzip" ? checksumOf(block, checksum) : 0;
    size += block.length;
    dictionary = block.slice(Math.max(0, block.length - windowBytes));
    // What is one block in all is done before a thread has started.
    const isOnly = isLast && size === block.length;
    const result = isOnly ? Promise.resolve(compressBlock(order)) : runIn(openPool(), order);
    result.catch(() => {});
    pending.push(result);
    if (!isOnly && pending.length > 2 * openPool().size) yield await take();
  }
  while (pending.length > 0) yield await take();
  if (codec === "gzip") yield gzipTrailer(checksum, size);
}

function runIn(pool: WorkerPool<BlockOrder, CompressedBlock>, order: BlockOrder): Promise<CompressedBlock> {
  const { block, dictionary } = order;
  // The dictionary of the next block is a copy of the end of this one, so this buffer can go.
  return pool.run(order, dictionary === undefined ? [block.buffer] : [block.buffer, dictionary.buffer]);
}

/** The bytes of a stream in blocks of one size, only the last of which may be shorter; one, empty, of an empty stream. */
async function* blocksOf(
  stream: ByteStream,
  size: number,
  free: ArrayBuffer[],
): AsyncGenerator<{ readonly block: Bytes; readonly isLast: boolean }> {
  let block = new Uint8Array(free.pop() ?? new ArrayBuffer(size));
  let filled = 0;
  for await (const chunk of readChunks(stream)) {
    for (let at = 0; at < chunk.length;) {
      if (filled === size) {
        yield { block, isLast: false };
        block = new Uint8Array(free.pop() ?? new ArrayBuffer(size));
        filled = 0;
      }
      const part = chunk.subarray(at, at + size - filled);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  }
  yield { block: block.subarray(0, filled), isLast: true };
}

/** Without time and name, and of no known system, so that it is the same everywhere (RFC 1952). */
function gzipHeader(): Bytes {
  return new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
}

function gzipTrailer(checksum: number, size: number): Bytes {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, checksum, true);
  view.setUint32(4, size % 2 ** 32, true);
  return bytes;
}
