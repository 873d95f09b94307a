import type { ByteStream } from "../../contract/call.ts";

/** A body of which it is told when it was read. */
export interface WatchedBody {
  readonly stream: ByteStream;
  /** Settles when it was read to its end, has failed, or is not wanted any more. */
  readonly ended: Promise<void>;
  /**
   * Reads and drops what is left when it is not wanted any more, so that a client which sends all before it reads gets its answer. Gives up
   * behind 1 GiB.
   */
  drain(): Promise<void>;
}

/** Most bytes that are read and dropped. */
const maxDrained = 1024 ** 3;

/** Watches the body of a request. */
export function watchBody(body: ByteStream): WatchedBody {
  const reader = body.getReader();
  const ended = Promise.withResolvers<void>();
  let isLeft = false;
  const stream: ByteStream = new ReadableStream({
    async pull(controller): Promise<void> {
      try {
        const next = await reader.read();
        if (!next.done) return controller.enqueue(next.value);
      } catch (error) {
        ended.resolve();
        throw error;
      }
      ended.resolve();
      controller.close();
    },
    cancel(): void {
      isLeft = true;
      ended.resolve();
    },
  }, { highWaterMark: 0 });
  return {
    stream,
    ended: ended.promise,
    async drain(): Promise<void> {
      try {
        // Who has not begun to read it has not left it either.
        if (!isLeft && !stream.locked) await stream.cancel();
        if (!isLeft) return;
        for (let size = 0; size <= maxDrained;) {
          const next = await reader.read();
          if (next.done) return;
          size += next.value.length;
        }
        await reader.cancel();
      } catch {
        // The client has gone away, and with it whoever would read the answer.
      }
    },
  };
}
