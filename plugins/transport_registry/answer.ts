import type { ByteStream } from "../../core/contract/mod.ts";
import type { Incoming } from "./exchange.ts";
import type { Watchdog } from "./watchdog.ts";

/** Where an answer is from, and what watches over it. */
export interface AnswerOrigin {
  /** HTTP method that was asked with. */
  readonly method: string;
  /** Address that answered, after redirects. */
  readonly url: URL;
  /** Aborts reading when the server falls silent; disposed with the end of the body. */
  readonly watchdog: Watchdog;
  /** Makes the error for a body that was cut. */
  readonly fail: (cause: unknown) => Error;
}

/** An answer of a server. Its body must be read to the end or discarded. */
export class Answer {
  /** HTTP status. */
  readonly status: number;
  /** Headers. */
  readonly headers: Headers;
  /** HTTP method that was asked with. */
  readonly method: string;
  /** Address that answered, after redirects. */
  readonly url: URL;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  readonly #origin: AnswerOrigin;
  #isDone: boolean;
  #returned: Uint8Array<ArrayBuffer> | undefined;

  constructor(incoming: Incoming, origin: AnswerOrigin) {
    this.status = incoming.status;
    this.headers = incoming.headers;
    this.method = origin.method;
    this.url = origin.url;
    this.#origin = origin;
    this.#reader = incoming.body?.getReader();
    this.#isDone = this.#reader === undefined;
    origin.watchdog.pause();
    if (this.#isDone) origin.watchdog[Symbol.dispose]();
    // Once its request is collected, an answer of fetch does not hear of its signal any more (Deno 2.9.6).
    else origin.watchdog.signal.addEventListener("abort", this.#giveUp, { once: true });
  }

  /** The next bytes; undefined at the end. Rejects `NETWORK_FAILED`, `CANCELED`. */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const returned = this.#returned;
    this.#returned = undefined;
    if (returned !== undefined) return returned;
    if (this.#isDone || this.#reader === undefined) return undefined;
    const { watchdog, fail } = this.#origin;
    // Whoever reads may take its time; only the server is watched.
    watchdog.touch();
    try {
      watchdog.signal.throwIfAborted();
      const { done, value } = await this.#reader.read();
      watchdog.signal.throwIfAborted();
      watchdog.pause();
      if (!done) return value;
    } catch (cause) {
      this.#end();
      throw fail(cause);
    }
    this.#end();
    return undefined;
  }

  /** Gives bytes back, to be read next. */
  putBack(bytes: Uint8Array<ArrayBuffer>): void {
    this.#returned = bytes;
  }

  /** Lets the body go. */
  async discard(): Promise<void> {
    this.#returned = undefined;
    if (this.#isDone) return;
    this.#end();
    await this.#reader?.cancel().catch(() => {});
  }

  /** Reads the body to its end, so that the connection can serve again; lets go of one that is longer than a few kilobytes. */
  async drain(): Promise<void> {
    await this.collect(16 * 1024).catch(() => {});
  }

  /** The whole body. Rejects a `RangeError` and lets it go when it has more bytes. */
  async collect(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for (let chunk = await this.read(); chunk !== undefined; chunk = await this.read()) {
      size += chunk.length;
      if (size > maxBytes) {
        await this.discard();
        throw new RangeError(`more than ${maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
    const bytes = new Uint8Array(size);
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }

  readonly #giveUp = (): void => void this.#reader?.cancel().catch(() => {});

  #end(): void {
    this.#isDone = true;
    this.#origin.watchdog.signal.removeEventListener("abort", this.#giveUp);
    this.#origin.watchdog[Symbol.dispose]();
  }
}

/** A stream of bytes at hand. */
export function streamOf(bytes: Uint8Array<ArrayBuffer>): ByteStream {
  return new ReadableStream({
    start(controller): void {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
