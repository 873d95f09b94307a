import type { ByteStream } from "../contract/call.ts";
import { readChunks, streamOver } from "../stream/byte_stream.ts";

/** Least time between two reports, milliseconds. */
const intervalMs = 100;

/** The same bytes; how many have passed is reported at most 10 times a second, by the clock given. */
export function countBytes(stream: ByteStream, clock: () => Date, report: (total: number) => void): ByteStream {
  return streamOver(counted(stream, clock, report), () => stream.cancel());
}

async function* counted(
  stream: ByteStream,
  clock: () => Date,
  report: (total: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let total = 0;
  let reportedAt = clock().getTime();
  for await (const chunk of readChunks(stream)) {
    total += chunk.length;
    yield chunk;
    const now = clock().getTime();
    if (now - reportedAt < intervalMs) continue;
    reportedAt = now;
    report(total);
  }
}
