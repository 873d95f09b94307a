import type { ByteStream } from "../../contract/call.ts";
import { bodyStream } from "../body.ts";
import type { ApiContext } from "../context.ts";

/** Most bytes of a body that are read to no use, so that a client which sends first reads the error of its request. */
const maxDrained = 1024 * 1024 * 1024;

/** The body of a request that is answered while it may still come in. */
export interface RequestBody {
  readonly stream: ByteStream;
  /** Reads what nobody has read, up to 1 GiB; harmless at the end. */
  drain(): Promise<void>;
}

/** Bytes of a block of a tar; its length is a multiple of them. */
const blockBytes = 512;

/**
 * A tar whose last file is filled up to whole blocks. Docker's client leaves that out of the contexts that it puts a build file into, and
 * Go's reader does not mind. What is no plain tar stays as it is.
 */
export function filledTar(stream: ByteStream): ByteStream {
  let size = 0;
  let isTar = false;
  const magicAt = 257;
  const head: number[] = [];
  return stream.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller): void {
        if (size < magicAt + 5) {
          head.push(...chunk.subarray(Math.max(0, magicAt - size), Math.max(0, magicAt + 5 - size)));
        }
        size += chunk.length;
        isTar = String.fromCharCode(...head) === "ustar";
        controller.enqueue(chunk);
      },
      flush(controller): void {
        const rest = size % blockBytes;
        if (isTar && rest > 0) controller.enqueue(new Uint8Array(blockBytes - rest));
      },
    }),
  );
}

/** The body of a request. Clients of docker send all of it before they look at the answer. */
export function requestBody(c: ApiContext): RequestBody {
  const reader = bodyStream(c).getReader();
  let isOver = false;
  const next = async (): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> => {
    const read = await reader.read();
    if (read.done) isOver = true;
    return read;
  };
  return {
    stream: new ReadableStream({
      async pull(controller): Promise<void> {
        const read = await next();
        if (read.done) controller.close();
        else controller.enqueue(read.value);
      },
      // The rest is left to be drained.
      cancel: () => {},
    }, { highWaterMark: 0 }),
    async drain(): Promise<void> {
      try {
        for (let bytes = 0; !isOver && bytes < maxDrained;) bytes += (await next()).value?.length ?? 0;
        if (!isOver) await reader.cancel();
      } catch {
        // The client is gone, or sends nothing any more: nobody reads the answer.
      }
    },
  };
}
