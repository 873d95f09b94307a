import type { ByteStream } from "../contract/call.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { isTarStart, tarStartBytes } from "../layer/tar_start.ts";
import { peekStream, streamOf } from "../stream/byte_stream.ts";
import { collectText } from "../stream/collect.ts";
import { detectCompression } from "../stream/compression.ts";
import type { StreamedContext } from "./build_input.ts";

/** Largest build file that is read, bytes. */
export const maxBuildFileBytes = 8 * 1024 * 1024;

/**
 * What a stream of unknown kind is: a tar, compressed or not, is the context; anything else is the text of a build file
 * that has an empty context. Rejects `INVALID_ARGUMENT` for a text that is not UTF-8 or larger than 8 MiB.
 */
export async function readStreamedContext(stream: ByteStream): Promise<StreamedContext> {
  const { head, stream: whole } = await peekStream(stream, tarStartBytes);
  if (detectCompression(head) !== "none" || isTarStart(head)) return { context: { type: "tar", stream: whole } };
  const text = await collectText(whole, maxBuildFileBytes).catch((cause) => {
    if (!isEngineError(cause) || cause.code !== "INVALID_ARGUMENT") throw cause;
    throw new EngineError(
      "INVALID_ARGUMENT",
      "Cannot read standard input: it is neither a tar nor the text of a build file",
      {
        cause,
        detail: cause.detail,
        hint: "Send a build file, or a tar of the context as tar -c . gives it",
      },
    );
  });
  return {
    context: { type: "tar", stream: streamOf(new Uint8Array(2 * tarStartBytes)) },
    file: { type: "text", text },
  };
}
