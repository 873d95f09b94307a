import type { ByteStream } from "../../contract/call.ts";
import { decodeError, encodeError } from "./wire_error.ts";
import type { Head, Wire } from "./wire.ts";

/** How many chunks of a stream may be under way or waiting to be read. */
const window = 4;

/** Longest chunk that is sent; longer ones are cut, so that what is under way stays small. */
const maxChunk = 1024 * 1024;

interface Outgoing {
  readonly reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly onEnd: () => void;
  rest: Uint8Array<ArrayBuffer>;
  credit: number;
  isBusy: boolean;
}

interface Incoming {
  readonly controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  readonly wrap: (error: Error) => unknown;
  readonly onEnd: () => void;
  owed: number;
}

/** Options of a stream that comes over the wire. */
export interface IncomingOptions {
  /** What readers are told in place of an error of the other side. */
  readonly wrap: (error: Error) => unknown;
  /** Called once, when the stream has ended, failed or was canceled. */
  readonly onEnd: () => void;
}

/**
 * Streams over a wire, both ways. Whoever reads grants the other side so many chunks, so neither runs ahead; chunks are moved, not
 * copied, once they are in a buffer of their own.
 */
export class Streams {
  readonly #wire: Wire;
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #incoming = new Map<number, Incoming>();
  #nextId = 1;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** How many streams wait for a chunk of the other side. */
  get waiting(): number {
    let count = 0;
    for (const { owed } of this.#incoming.values()) if (owed > 0) count++;
    return count;
  }

  /** Whether chunks for the other side are being read. */
  get isReading(): boolean {
    return this.#outgoing.values().some(({ isBusy }) => isBusy);
  }

  /** Offers a stream to the other side; gives its id there. */
  offer(stream: ByteStream, onEnd: () => void): number {
    const id = this.#nextId++;
    this.#outgoing.set(id, { reader: stream.getReader(), onEnd, rest: new Uint8Array(), credit: 0, isBusy: false });
    return id;
  }

  /** The stream that the other side offers under an id. Throws `TypeError` for an id that is in use. */
  take(id: unknown, options: IncomingOptions): ByteStream {
    if (typeof id !== "number" || this.#incoming.has(id)) throw new TypeError("it is no new stream");
    const grant = (controller: ReadableStreamDefaultController<unknown>): void => {
      const incoming = this.#incoming.get(id);
      const free = (controller.desiredSize ?? 0) - (incoming?.owed ?? 0);
      if (incoming === undefined || free <= 0) return;
      incoming.owed += free;
      this.#wire.send({ t: "credit", id, count: free });
    };
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => void this.#incoming.set(id, { ...options, controller, owed: 0 }),
      pull: grant,
      cancel: () => {
        if (this.#end(id)) this.#wire.send({ t: "cancel", id });
      },
    }, { highWaterMark: window });
  }

  /** Takes a message about a stream; false when it is about something else. Throws `TypeError` when it makes no sense. */
  receive(type: unknown, message: Readonly<Record<string, unknown>>, body: ArrayBuffer | undefined): boolean {
    const id = Number(message.id);
    switch (type) {
      case "credit":
        this.#grant(id, Number(message.count));
        return true;
      case "cancel":
        this.#cancel(id, "the reader left");
        return true;
      case "chunk":
        this.#put(id, body);
        return true;
      case "end":
        this.#finish(id, message.error);
        return true;
      default:
        return false;
    }
  }

  /** Ends every stream of a wire that has ended. */
  fail(error: Error): void {
    for (const id of [...this.#outgoing.keys()]) this.#cancel(id, error.message);
    for (const [id, { controller, wrap }] of [...this.#incoming]) {
      this.#end(id);
      controller.error(wrap(error));
    }
  }

  #grant(id: number, count: number): void {
    const outgoing = this.#outgoing.get(id);
    // It may have ended while the grant was on its way.
    if (outgoing === undefined) return;
    if (!Number.isSafeInteger(count) || count <= 0 || outgoing.credit + count > window) {
      throw new TypeError("it asks for more of a stream than it may");
    }
    outgoing.credit += count;
    if (!outgoing.isBusy) void this.#pump(id, outgoing);
  }

  async #pump(id: number, outgoing: Outgoing): Promise<void> {
    outgoing.isBusy = true;
    try {
      while (outgoing.credit > 0) {
        while (outgoing.rest.length === 0) {
          const next = await outgoing.reader.read();
          if (!this.#outgoing.has(id)) return;
          if (next.done) return this.#close(id, undefined);
          outgoing.rest = next.value;
        }
        const chunk = outgoing.rest.slice(0, maxChunk);
        outgoing.rest = outgoing.rest.subarray(chunk.length);
        outgoing.credit--;
        this.#wire.send({ t: "chunk", id }, chunk.buffer);
      }
    } catch (error) {
      this.#close(id, encodeError(error));
    } finally {
      outgoing.isBusy = false;
    }
  }

  #close(id: number, error: Head | undefined): void {
    const outgoing = this.#outgoing.get(id);
    if (!this.#outgoing.delete(id)) return;
    this.#wire.send({ t: "end", id, ...(error === undefined ? {} : { error }) });
    outgoing?.onEnd();
  }

  #cancel(id: number, reason: string): void {
    const outgoing = this.#outgoing.get(id);
    if (outgoing === undefined) return;
    this.#outgoing.delete(id);
    outgoing.reader.cancel(new DOMException(reason, "AbortError")).catch(() => {});
    outgoing.onEnd();
  }

  #put(id: number, body: ArrayBuffer | undefined): void {
    const incoming = this.#incoming.get(id);
    if (incoming === undefined) return;
    if (body === undefined || body.byteLength > maxChunk || incoming.owed <= 0) {
      throw new TypeError("it sends more of a stream than was asked for");
    }
    incoming.owed--;
    incoming.controller.enqueue(new Uint8Array(body));
  }

  #finish(id: number, error: unknown): void {
    const incoming = this.#incoming.get(id);
    if (!this.#end(id) || incoming === undefined) return;
    if (error === undefined) incoming.controller.close();
    else incoming.controller.error(incoming.wrap(decodeError(error)));
  }

  #end(id: number): boolean {
    const incoming = this.#incoming.get(id);
    if (!this.#incoming.delete(id)) return false;
    incoming?.onEnd();
    return true;
  }
}
