import type { FileContent } from "../contract/layer.ts";
import type { WritableFile } from "../os/file_system.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { readChunks } from "../stream/byte_stream.ts";

/** Writes the content of a file, its long runs of zeros as holes. Rejects `CANCELED`, and what reading and writing reject with. */
export async function writeContent(file: WritableFile, content: FileContent, signal: AbortSignal): Promise<void> {
  if (content instanceof Uint8Array) {
    if (content.length > 0) file.write(content);
    return;
  }
  for await (const chunk of readChunks(await content(), signal)) {
    if (isZero(chunk)) file.skip(chunk.length);
    else file.write(chunk);
  }
  throwIfAborted(signal);
  file.end();
}

/** Whether a chunk is all zeros, so that it may be a hole; looks at 8 bytes at a time. */
function isZero(chunk: Uint8Array<ArrayBuffer>): boolean {
  if (chunk[0] !== 0 || chunk.length % 4096 !== 0 || chunk.byteOffset % 8 !== 0) return false;
  return new BigUint64Array(chunk.buffer, chunk.byteOffset, chunk.length / 8).every((word) => word === 0n);
}
