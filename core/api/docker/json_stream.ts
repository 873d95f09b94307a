import type { Call } from "../../contract/call.ts";
import type { ApiContext, FaceHost } from "../context.ts";
import { toEngineError } from "../status.ts";
import { dockerMessage, exitCodeOf } from "./error.ts";

/** One message of a stream, as docker's clients read it. */
export interface JsonMessage {
  readonly stream?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly id?: string;
  readonly aux?: Readonly<Record<string, unknown>>;
  readonly errorDetail?: { readonly code?: number; readonly message: string };
  readonly error?: string;
}

/** Most bytes of messages that wait for a client which reads slowly. */
export const maxWaitingBytes = 16 * 1024 * 1024;

/** The bytes of a message: JSON and a line end. */
export function encodeMessage(message: JsonMessage): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(message)}\r\n`);
}

/** The message that a failure ends a stream with. */
export function errorMessage(error: unknown): JsonMessage {
  const message = dockerMessage(error);
  const code = exitCodeOf(error);
  return { errorDetail: { ...(code === undefined ? {} : { code }), message }, error: message };
}

/** Takes the messages of a work, in order; returns at once. */
export type WriteMessage = (message: JsonMessage) => void;

/** Work that tells of itself in messages. */
export type StreamedWork = (write: WriteMessage, call: Call) => Promise<void>;

/**
 * Answers with the messages of a work. While there is none, a failure is an answer of its own with its status; after that it is the last
 * message. A client that goes away aborts the work. Of messages that wait for a slow client more than 16 MiB are dropped, which is told.
 */
export async function answerMessages(
  c: ApiContext,
  host: Pick<FaceHost, "callOf" | "track">,
  work: StreamedWork,
): Promise<Response> {
  const gone = new AbortController();
  const outer = host.callOf(c);
  const call: Call = { signal: AbortSignal.any([outer.signal, gone.signal]), emit: outer.emit };
  const queue = new MessageQueue();
  const done = work((message) => queue.add(message), call);
  const ended = done.then(() => queue.end(), (error) => {
    const failure = toEngineError(error, call.signal);
    if (queue.isBegun && !call.signal.aborted) queue.add(errorMessage(failure), true);
    queue.end();
  });
  // Work that was aborted may still be at its end when the connection is gone.
  host.track(ended);
  await Promise.race([queue.begun, ended]);
  if (!queue.isBegun) await done;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller): Promise<void> {
      const chunk = await queue.take();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    async cancel(): Promise<void> {
      gone.abort();
      await ended;
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

/** Messages between who writes and the connection. */
class MessageQueue {
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  readonly #begin = Promise.withResolvers<void>();
  #bytes = 0;
  #dropped = 0;
  #isBegun = false;
  #hasEnded = false;
  #change = Promise.withResolvers<void>();

  /** Resolves with the first message. */
  get begun(): Promise<void> {
    return this.#begin.promise;
  }

  get isBegun(): boolean {
    return this.#isBegun;
  }

  add(message: JsonMessage, isNeeded = false): void {
    if (this.#hasEnded) return;
    this.#isBegun = true;
    this.#begin.resolve();
    if (this.#bytes > maxWaitingBytes && !isNeeded && message.aux === undefined) {
      this.#dropped++;
      return;
    }
    this.#push(encodeMessage(message));
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** The next bytes; undefined at the end. */
  async take(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (true) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        if (this.#dropped > 0 && this.#bytes < maxWaitingBytes / 2) this.#tellDropped();
        return chunk;
      }
      if (this.#hasEnded) return undefined;
      await this.#change.promise;
    }
  }

  #tellDropped(): void {
    const stream = `[${this.#dropped} messages were left out: they were read too slowly]\n`;
    this.#dropped = 0;
    this.#push(encodeMessage({ stream }));
  }

  #push(chunk: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
