import type { ByteStream } from "../contract/call.ts";
import type { ApiContext } from "./context.ts";
import { isEngineError } from "../errors.ts";
import { httpError } from "./status.ts";

/** Milliseconds that the body of a request may give no byte. */
export const bodyIdleMs = 60_000;

/**
 * The body of a request as a stream; of no bytes when it has none. It errors with status 408 when no byte comes for a minute, so that a
 * client which sends next to nothing holds nothing for long. Whoever gets it reads it to the end or cancels it.
 */
export function bodyStream(c: ApiContext): ByteStream {
  const { body } = c.req.raw;
  if (body === null) return new ReadableStream({ start: (controller) => controller.close() });
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const next = await withinIdle(reader.read()).catch((cause) => {
        throw isEngineError(cause) ? cause : gone(cause);
      });
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel(reason): Promise<void> {
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** What reading gives; rejects with 408 when it takes too long. */
export async function withinIdle<T>(reading: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(httpError(408, "NETWORK_FAILED", "Cannot read the request: no byte of its body came for a minute"));
  }, bodyIdleMs);
  try {
    return await Promise.race([reading, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The body of a request as a whole. Rejects with status 413 when it has more bytes than that. */
export async function readBody(c: ApiContext, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const told = Number(c.req.header("content-length") ?? 0);
  if (told > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of bodyStream(c)) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Deno tells in several ways that the other end is not there any more; nothing here has failed. */
function gone(cause: unknown): Error {
  return httpError(499, "CANCELED", "Cannot read the request: its client went away", { cause });
}

function tooLarge(maxBytes: number): Error {
  const message = `Cannot read the request: its body has more than ${maxBytes} bytes`;
  return httpError(413, "INVALID_ARGUMENT", message, { detail: { maxBytes } });
}
