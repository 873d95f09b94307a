import type { ByteStream } from "../../contract/call.ts";
import { EngineError, isEngineError } from "../../errors.ts";

/** A body of which it is told when it was read. */
export interface WatchedBody {
  readonly stream: ByteStream;
  /** Settles when all of it has come, or no more of it will. */
  readonly ended: Promise<void>;
  /**
   * Says that nobody will read on: what is still to come is dropped, so that a client which sends all before it reads gets its answer.
   * Gives up behind 1 GiB.
   */
  leave(): void;
}

/** Most bytes that wait in memory for who reads them. */
const maxWaiting = 4 * 1024 * 1024;
/** Most bytes that are dropped. */
const maxDropped = 1024 ** 3;

/** Watches the body of a request, which is read ahead of who wants it. */
export function watchBody(body: ByteStream): WatchedBody {
  const queue = new BodyQueue(body);
  return {
    stream: new ReadableStream({ pull: (controller) => queue.give(controller), cancel: () => queue.leave() }, {
      highWaterMark: 0,
    }),
    ended: queue.fill(),
    leave: () => queue.leave(),
  };
}

/** Bytes between a client and who reads what it sends. */
class BodyQueue {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #state: "coming" | "whole" | "left" | { readonly error: unknown } = "coming";
  #change = Promise.withResolvers<void>();

  constructor(body: ByteStream) {
    this.#reader = body.getReader();
  }

  leave(): void {
    if (this.#state === "coming") this.#state = "left";
    this.#waiting.length = 0;
    this.#wake();
  }

  async give(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        this.#wake();
        return controller.enqueue(chunk);
      }
      if (typeof this.#state === "object") throw this.#state.error;
      if (this.#state !== "coming") return controller.close();
      await this.#change.promise;
    }
  }

  async fill(): Promise<void> {
    let dropped = 0;
    try {
      for (;;) {
        while (this.#state === "coming" && this.#bytes >= maxWaiting) await this.#change.promise;
        const next = await this.#reader.read();
        if (next.done) break;
        if (this.#state === "left") {
          dropped += next.value.length;
          if (dropped > maxDropped) return await this.#reader.cancel();
        } else {
          this.#waiting.push(next.value);
          this.#bytes += next.value.length;
          this.#wake();
        }
      }
      if (this.#state === "coming") this.#state = "whole";
    } catch (error) {
      // Who reads is told; nobody else wants to know.
      if (this.#state === "coming") this.#state = { error: isEngineError(error) ? error : cutOff(error) };
    } finally {
      this.#wake();
    }
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

function cutOff(cause: unknown): EngineError {
  return new EngineError("CANCELED", "Cannot read the request: its client went away before all of its body had come", {
    cause,
  });
}
