import { EngineError } from "../errors.ts";
import { type ByteStream, peekStream, readChunks, streamOver } from "./byte_stream.ts";
import type { Decoder } from "./decoder.ts";

/** How bytes are compressed, as their first bytes tell. */
export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

/** Bounds of a decompression. */
export interface DecompressOptions {
  /** Most bytes the decompressed stream may have; more errors it with `INVALID_ARGUMENT`. No bound when left out. */
  readonly maxBytes?: number;
}

/** A stream that was looked into. */
export interface Decompressed {
  /** What was found. */
  readonly compression: Compression;
  /** The bytes without compression. */
  readonly stream: ByteStream;
}

const signatureBytes = 10;
const bzip2Marks = ["314159265359", "177245385090"];

/** The compression that the first 10 bytes of a stream tell; fewer bytes will do when the stream has no more. */
export function detectCompression(head: Uint8Array): Compression {
  const hex = head.subarray(0, signatureBytes).toHex();
  if (hex.startsWith("1f8b08")) return "gzip";
  if (hex.startsWith("28b52ffd") || /^5[0-9a-f]2a4d18/.test(hex)) return "zstd";
  if (hex.startsWith("fd377a585a00")) return "xz";
  if (/^425a68(3[1-9])/.test(hex) && bzip2Marks.includes(hex.slice(8))) return "bzip2";
  return "none";
}

/**
 * The plain bytes of a stream whose compression is told by its first bytes: gzip (also several members and trailing
 * zeros), zstd (also several and skippable frames), bzip2, xz, or none. Damaged data errors the stream with
 * `INVALID_ARGUMENT`.
 */
export async function decompress(stream: ByteStream, options: DecompressOptions = {}): Promise<Decompressed> {
  const { head, stream: all } = await peekStream(stream, signatureBytes);
  const compression = detectCompression(head);
  const decoder = await decoderOf(compression);
  const { maxBytes } = options;
  if (decoder === undefined && maxBytes === undefined) return { compression, stream: all };
  const plain = decoder === undefined ? readChunks(all) : decoder(readChunks(all));
  const chunks = maxBytes === undefined ? plain : bounded(plain, maxBytes);
  return { compression, stream: streamOver(chunks, () => all.cancel()) };
}

async function decoderOf(compression: Compression): Promise<Decoder | undefined> {
  switch (compression) {
    case "none":
      return undefined;
    case "gzip":
      return (await import("./gzip.ts")).gunzip;
    case "zstd":
      return (await import("./zstd.ts")).unzstd;
    case "bzip2":
      return (await import("./bzip2.ts")).bunzip2;
    case "xz":
      return (await import("./xz.ts")).unxz;
  }
}

async function* bounded(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new EngineError("INVALID_ARGUMENT", `Cannot decompress content: it is larger than ${maxBytes} bytes`, {
        detail: { field: "size", value: size },
      });
    }
    yield chunk;
  }
}
