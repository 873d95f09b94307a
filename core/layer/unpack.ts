import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { decompress } from "../stream/compression.ts";
import { readTarBatches } from "../tar/read.ts";
import { readMark } from "./whiteout.ts";

/**
 * The changes that a layer makes, in the order of its tar and in batches as they come, whatever its compression. Names of the form
 * `.wh.…` come as whiteout and opaque entries and never as files. Contents are as {@linkcode readTarBatches} gives them, and so are its
 * errors; damaged compression rejects `INVALID_ARGUMENT`.
 */
export async function* unpackLayer(
  stream: ByteStream,
  call: Call,
): AsyncGenerator<readonly LayerEntry[], void, undefined> {
  const { stream: tar } = await decompress(stream);
  for await (const batch of readTarBatches(tar, call)) {
    yield batch.some(isNamedAsMark) ? batch.flatMap(readEntry) : batch;
  }
}

function isNamedAsMark({ path }: LayerEntry): boolean {
  return path.includes(".wh.");
}

function readEntry(entry: LayerEntry): LayerEntry[] {
  const mark = readMark(entry.path);
  return mark === "skip" ? [] : [mark ?? entry];
}
