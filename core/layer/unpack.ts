import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import type { Digest } from "../oci/descriptor.ts";
import { readChunks, streamOver } from "../stream/byte_stream.ts";
import { decompress } from "../stream/compression.ts";
import { createHasher, type Hasher } from "../stream/hash_stream.ts";
import { readTarBatches } from "../tar/read.ts";
import { readMark } from "./whiteout.ts";

/**
 * The changes that a layer makes, in the order of its tar and in batches as they come, whatever its compression. Names of the form
 * `.wh.…` come as whiteout and opaque entries and never as files. Contents are as {@linkcode readTarBatches} gives them, and so are its
 * errors; damaged compression rejects `INVALID_ARGUMENT`. The diffID, which only the whole tar tells, is what it returns: it comes when all
 * entries have been taken.
 */
export async function* unpackLayer(
  stream: ByteStream,
  call: Call,
): AsyncGenerator<readonly LayerEntry[], Digest, undefined> {
  const { stream: tar } = await decompress(stream);
  const hasher = createHasher();
  for await (const batch of readTarBatches(streamOver(hashed(tar, hasher), () => tar.cancel()), call)) {
    yield batch.some(isNamedAsMark) ? batch.flatMap(readEntry) : batch;
  }
  return hasher.digest();
}

async function* hashed(stream: ByteStream, hasher: Hasher): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of readChunks(stream)) {
    hasher.update(chunk);
    yield chunk;
  }
}

function isNamedAsMark({ path }: LayerEntry): boolean {
  return path.includes(".wh.");
}

function readEntry(entry: LayerEntry): LayerEntry[] {
  const mark = readMark(entry.path);
  return mark === "skip" ? [] : [mark ?? entry];
}
