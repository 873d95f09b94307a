import type { ByteStream, Call } from "../contract/call.ts";
import { readChunks, streamOver } from "../stream/byte_stream.ts";
import type { TransferEngine } from "./copy.ts";
import { saveImages, type SaveInput, type SaveResult } from "./save.ts";

/** What saving to a stream gives. */
export interface SavedStream extends SaveResult {
  /** The archive. Whoever gets it reads it to the end or cancels it. */
  readonly content: ByteStream;
  /** Bytes of it. */
  readonly size: number;
}

/**
 * Saves images as an archive that is read as a stream. It is put aside in a temporary file that has no name any more when this resolves,
 * so nothing of it stays, however the reader ends. Rejects as {@linkcode saveImages} does, before there is any byte.
 */
export async function saveToStream(
  engine: TransferEngine,
  input: Omit<SaveInput, "output">,
  call: Call,
): Promise<SavedStream> {
  const path = await Deno.makeTempFile({ prefix: "strata-save-", suffix: ".tar" });
  try {
    const { images } = await saveImages(engine, { ...input, output: path }, call);
    const file = await Deno.open(path);
    const { size } = await file.stat();
    return { images, size, content: streamOver(readChunks(file.readable), () => file.close(), call.signal) };
  } finally {
    await Deno.remove(path);
  }
}
