import { constants, crc32, deflateRawSync, zstdCompressSync } from "node:zlib";

type Bytes = Uint8Array<ArrayBuffer>;

/** A codec that layers are compressed with. */
export type Codec = "gzip" | "zstd";

/** One block of a stream, to be compressed without the others. */
export interface BlockOrder {
  readonly codec: Codec;
  readonly level: number;
  /** The bytes; the buffer comes back with the result. */
  readonly block: Bytes;
  /** For gzip: the bytes before the block, at most 32 KiB, which it may refer to. */
  readonly dictionary?: Bytes;
  /** Whether the stream ends with it. */
  readonly isLast: boolean;
}

/** A compressed block. */
export interface CompressedBlock {
  readonly bytes: Bytes;
  /** The buffer that the block was in, to be used again. */
  readonly buffer: ArrayBuffer;
}

/**
 * Compresses a block: for gzip a part of one deflate stream that ends on a byte, so that parts can be joined; for zstd a frame. Depends on
 * nothing but what it is given.
 */
export function compressBlock(order: BlockOrder): CompressedBlock {
  const { block } = order;
  return { bytes: order.codec === "zstd" ? zstd(order) : deflate(order), buffer: block.buffer };
}

/** The checksum of gzip (RFC 1952, "CRC32") of some bytes behind others, which have the checksum `before`. */
export function checksumOf(bytes: Bytes, before: number): number {
  return crc32(bytes, before);
}

function deflate({ block, level, dictionary, isLast }: BlockOrder): Bytes {
  return copyAndFree(deflateRawSync(block, {
    level,
    chunkSize: Math.max(block.length, 1024),
    finishFlush: isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
    ...(dictionary === undefined || dictionary.length === 0 ? {} : { dictionary }),
  }));
}

function zstd({ block, level }: BlockOrder): Bytes {
  return copyAndFree(zstdCompressSync(block, { params: { [constants.ZSTD_c_compressionLevel]: level } }));
}

/**
 * The bytes in a buffer of their size. The one they were in, which is as large as the block, is freed at once: the collector would let
 * some 60 MB of them gather in each thread.
 */
function copyAndFree(output: Uint8Array): Bytes {
  const bytes = new Uint8Array(output);
  const { buffer } = output;
  if (buffer instanceof ArrayBuffer && buffer.byteLength > 1 << 16) buffer.transfer(0);
  return bytes;
}
