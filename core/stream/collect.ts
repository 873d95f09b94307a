import { EngineError } from "../errors.ts";
import { type ByteStream, readChunks } from "./byte_stream.ts";

/**
 * All bytes of a stream in one array. More than `maxBytes` rejects `INVALID_ARGUMENT` and cancels the stream.
 */
export async function collect(stream: ByteStream, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of readChunks(stream)) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new EngineError("INVALID_ARGUMENT", `Cannot read content: it is larger than ${maxBytes} bytes`, {
        detail: { field: "size", value: size },
      });
    }
    chunks.push(chunk);
  }
  const only = chunks[0];
  return chunks.length === 1 && only !== undefined ? only : concatBytes(chunks);
}

/** All of a stream as text. Bytes that are not UTF-8, and more than `maxBytes`, reject `INVALID_ARGUMENT`. */
export async function collectText(stream: ByteStream, maxBytes: number): Promise<string> {
  const bytes = await collect(stream, maxBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot read content: it is not UTF-8 text", { cause });
  }
}

/** One array with the bytes of all, in order. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
