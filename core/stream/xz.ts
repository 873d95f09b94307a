// @ts-types="./types/xz_decompress.d.ts"
import library from "npm:xz-decompress@0.2.3";
import { EngineError, isEngineError } from "../errors.ts";
import { streamFrom } from "./byte_stream.ts";
import { damaged } from "./decoder.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Decompresses xz, also several streams in a row (docs/adr/0003-bzip2-and-xz.md). About 50 MB/s of output. Throws
 * `INVALID_ARGUMENT` for damaged or cut off data, and `UNSUPPORTED` for filters other than LZMA2, SHA-256 as the check, and
 * dictionaries beyond 64 MiB, which no preset of `xz` uses.
 */
export async function* unxz(chunks: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  const iterator = chunks[Symbol.asyncIterator]();
  const reader = new library.XzReadableStream(streamFrom(iterator)).getReader();
  let isOpen = true;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    isOpen = false;
  } catch (error) {
    isOpen = false;
    throw isEngineError(error) ? error : explain(error);
  } finally {
    // The library reads ahead, and fails to be cancelled once it has seen the end; then there is nothing left to free.
    if (isOpen) await reader.cancel().catch(() => {});
    await iterator.return?.();
  }
}

/** Codes of the decoder inside (xz-embedded, `enum xz_ret`), which the library puts at the end of its message. */
const codes: Readonly<Record<string, string>> = {
  "5": "no xz data",
  "7": "it is damaged",
  "8": "it is cut off or damaged",
};

function explain(error: unknown): EngineError {
  const code = error instanceof Error ? /\d+$/.exec(error.message)?.[0] : undefined;
  if (code === "4" || code === "6") {
    const what = code === "4" ? "dictionary larger than 64 MiB" : "filter or check";
    return new EngineError("UNSUPPORTED", `Cannot decompress xz data: it has an unknown ${what}`, {
      cause: error,
      detail: { what: `xz ${what}` },
      hint: "Compress it again with `xz -6 --check=crc64`",
    });
  }
  return damaged("xz", codes[code ?? ""] ?? "it is damaged", error);
}
