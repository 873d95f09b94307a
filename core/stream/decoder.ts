import { EngineError } from "../errors.ts";

/** Turns compressed chunks into plain ones. Ending it early ends the chunks. */
export type Decoder = (chunks: AsyncIterable<Uint8Array<ArrayBuffer>>) => AsyncGenerator<Uint8Array<ArrayBuffer>>;

/** The `INVALID_ARGUMENT` that tells what is wrong with compressed data. */
export function damaged(format: string, state: string, cause?: unknown): EngineError {
  return new EngineError("INVALID_ARGUMENT", `Cannot decompress ${format} data: ${state}`, {
    cause,
    detail: { field: "compression", value: format },
  });
}
