import type { FileContent } from "../contract/layer.ts";
import type { WritableFile } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readChunks } from "../stream/byte_stream.ts";
import { areZeros } from "../stream/zeros.ts";

/** Writes the content of a file, its long runs of zeros as holes. Rejects `CANCELED`, and what reading and writing reject with. */
export async function writeContent(file: WritableFile, content: FileContent, signal: AbortSignal): Promise<void> {
  if (content instanceof Uint8Array) {
    if (content.length > 0) file.write(content);
    return;
  }
  for await (const chunk of readChunks(await content(), signal)) {
    if (areZeros(chunk) || isZero(chunk)) file.skip(chunk.length);
    else file.write(chunk);
  }
  throwIfAborted(signal);
  file.end();
}

/** Whether a chunk is all zeros, so that it may be a hole; looks at 4 bytes at a time. */
function isZero(chunk: Uint8Array<ArrayBuffer>): boolean {
  if (chunk[0] !== 0 || chunk.length % 4096 !== 0 || chunk.byteOffset % 4 !== 0) return false;
  const words = new Int32Array(chunk.buffer, chunk.byteOffset, chunk.length / 4);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}
