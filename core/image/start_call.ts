import type { Call, EngineEvent } from "../contract/call.ts";
import { throwIfAborted } from "../stream/abort.ts";

/** Most events that wait for a reader. */
const maxWaiting = 10_000;
/** Most bytes of output that wait in events. */
const maxWaitingBytes = 32 * 1024 * 1024;

/**
 * What a use-case is called with, for who leaves out what it does not need: nothing aborts it, and events go nowhere.
 *
 * @example List images, for ten seconds at the most
 * ```ts
 * import { builtins, createCall, createEngine, listImages } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root } });
 * const { rows } = await listImages(engine, {}, createCall({ signal: AbortSignal.timeout(10_000) }));
 * ```
 */
export function createCall(call: Partial<Call> = {}): Call {
  return { signal: call.signal ?? new AbortController().signal, emit: call.emit ?? (() => {}) };
}

/**
 * A use-case at work. Disposing it cancels it, when it is still at work, and waits for its end.
 *
 * @example Count the events of a use-case
 * ```ts
 * import { builtins, createEngine, listImages, type ListResult, startCall, type StartedCall } from "@strata/strata";
 *
 * await using engine = await createEngine({ plugins: builtins, config: { root: await Deno.makeTempDir() } });
 * await using listing: StartedCall<ListResult> = startCall((call) => listImages(engine, {}, call));
 * const events = await Array.fromAsync(listing);
 * console.log(events.length, (await listing.result).rows.length);
 * ```
 */
export interface StartedCall<R> extends AsyncIterable<EngineEvent>, AsyncDisposable {
  /** What the use-case gives, or its error. */
  readonly result: Promise<R>;
}

/**
 * Starts a use-case whose events are read with `for await`, from the first one on and in order, each once. The loop ends when the
 * use-case does, with its error when it fails; `result` tells the same. Leaving the loop cancels nothing: the work goes on, `result` is
 * still to come, and another loop goes on with the events that are left. What cancels is the signal, or disposing what this gives. Work
 * never waits for who reads: of more than 10,000 unread events, or 32 MiB of output in them, the older half is dropped, and a `warning` with code `EventsDropped` says
 * how many were. A failure that nobody looks at, in the loop or in `result`, is not reported otherwise.
 *
 * @example Show what a build does, then what it gave
 * ```ts
 * import { buildImage, builtins, createEngine, startCall } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root } });
 * const file = { type: "text", text: "FROM scratch\nLABEL a=b\n" } as const;
 * const input = { context: { type: "directory", path: root }, file, tags: ["app"] } as const;
 * await using building = startCall((call) => buildImage(engine, input, call), { signal: AbortSignal.timeout(60_000) });
 * for await (const event of building) if (event.type === "step-started") console.log(event.name);
 * const { image } = await building.result;
 * ```
 */
export function startCall<R>(
  run: (call: Call) => Promise<R>,
  options: { readonly signal?: AbortSignal } = {},
): StartedCall<R> {
  const { signal: outer } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const onAbort = (): void => stop.abort(outer?.reason);
  if (outer?.aborted) onAbort();
  outer?.addEventListener("abort", onAbort, { once: true });
  const events = new EventQueue();
  const result = (async (): Promise<R> => {
    try {
      throwIfAborted(signal);
      return await run({ signal, emit: (event) => events.add(event) });
    } finally {
      // A signal with a timer that is listened to keeps the process alive.
      outer?.removeEventListener("abort", onAbort);
      events.end();
    }
  })();
  const settled = result.then(() => {}, () => {});
  return {
    result,
    async *[Symbol.asyncIterator](): AsyncGenerator<EngineEvent, void> {
      yield* events.read();
      await result;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await settled;
    },
  };
}

/** Events between who emits them and who reads them. */
class EventQueue {
  #waiting: EngineEvent[] = [];
  #bytes = 0;
  #dropped = 0;
  #hasEnded = false;
  #change = Promise.withResolvers<void>();

  add(event: EngineEvent): void {
    if (this.#hasEnded) return;
    if (this.#waiting.length === maxWaiting || this.#bytes > maxWaitingBytes) {
      const dropped = this.#waiting.splice(0, Math.ceil(this.#waiting.length / 2));
      this.#dropped += dropped.length;
      for (const each of dropped) this.#bytes -= sizeOf(each);
    }
    this.#waiting.push(event);
    this.#bytes += sizeOf(event);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  async *read(): AsyncGenerator<EngineEvent, void> {
    while (true) {
      const event = this.#take();
      if (event !== undefined) yield event;
      else if (this.#hasEnded) return;
      else await this.#change.promise;
    }
  }

  #take(): EngineEvent | undefined {
    if (this.#dropped === 0) {
      const event = this.#waiting.shift();
      if (event !== undefined) this.#bytes -= sizeOf(event);
      return event;
    }
    const message = `${this.#dropped} events were dropped before they were read`;
    this.#dropped = 0;
    return { type: "warning", code: "EventsDropped", message };
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

function sizeOf(event: EngineEvent): number {
  return event.type === "step-log" ? event.data.length : 0;
}
