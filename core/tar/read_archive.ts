import type { ByteStream, Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { decompress } from "../stream/compression.ts";
import { readTar } from "./read.ts";

/**
 * The entries of a tar, plain or compressed with gzip, zstd, bzip2 or xz, as {@linkcode readTar} gives them. Damaged
 * compression rejects `INVALID_ARGUMENT` as a damaged archive does.
 */
export async function* readArchive(archive: ByteStream, call: Call): AsyncGenerator<LayerEntry, void, undefined> {
  const { stream } = await decompress(archive);
  yield* readTar(stream, call);
}
