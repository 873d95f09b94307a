import { canceled } from "./abort.ts";

/** Bytes in flight; the same shape as the contract's `ByteStream`. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** A stream of the given chunks, in order; empty chunks are left out. The chunks are handed over as they are, not copied. */
export function streamOf(...chunks: readonly Uint8Array<ArrayBuffer>[]): ByteStream {
  return streamFrom(chunks.values());
}

/**
 * A stream that asks an iterator for its next chunk each time it is read, never ahead. Cancelling returns the iterator,
 * so a generator's `finally` runs; what the iterator throws errors the stream. When `signal` aborts, the stream errors
 * with `CANCELED` at its next read, or at once when one waits.
 */
export function streamFrom(
  chunks: AsyncIterator<Uint8Array<ArrayBuffer>> | Iterator<Uint8Array<ArrayBuffer>>,
  signal?: AbortSignal,
): ByteStream {
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const next = await nextChunk(chunks, signal);
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel(): Promise<void> {
      await chunks.return?.();
    },
  }, { highWaterMark: 0 });
}

/**
 * As {@linkcode streamFrom} for a generator that reads from something that has to be let go: a generator that has not
 * begun cannot do so in its `finally`, so `release` is called when the stream is cancelled before it was read.
 */
export function streamOver(
  chunks: AsyncIterator<Uint8Array<ArrayBuffer>> | Iterator<Uint8Array<ArrayBuffer>>,
  release: () => unknown,
  signal?: AbortSignal,
): ByteStream {
  let isBegun = false;
  return streamFrom({
    async next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
      isBegun = true;
      return await chunks.next();
    },
    async return(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
      if (isBegun) await chunks.return?.();
      else await release();
      isBegun = true;
      return { done: true, value: undefined };
    },
  }, signal);
}

/** The first bytes of a stream, `size` of them or more unless it has fewer, and a stream of all its bytes. */
export async function peekStream(
  stream: ByteStream,
  size: number,
  signal?: AbortSignal,
): Promise<{ readonly head: Uint8Array<ArrayBuffer>; readonly stream: ByteStream }> {
  const chunks = readChunks(stream, signal);
  let head = new Uint8Array(0);
  while (head.length < size) {
    const next = await chunks.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : joinChunks(head, next.value);
  }
  return { head, stream: streamOver(prepend(head, chunks), () => chunks.return(), signal) };
}

function joinChunks(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

async function* prepend(
  head: Uint8Array<ArrayBuffer>,
  rest: AsyncGenerator<Uint8Array<ArrayBuffer>, void>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    if (head.length > 0) yield head;
    yield* rest;
  } finally {
    await rest.return();
  }
}

async function nextChunk(
  chunks: AsyncIterator<Uint8Array<ArrayBuffer>> | Iterator<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    if (signal !== undefined) reject(canceled(signal));
    void Promise.resolve(chunks.return?.()).catch(() => {});
  };
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    let next = await (signal === undefined ? chunks.next() : Promise.race([aborted, chunks.next()]));
    while (!next.done && next.value.length === 0) {
      next = await (signal === undefined ? chunks.next() : Promise.race([aborted, chunks.next()]));
    }
    return next;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * The chunks of a stream as they come. The stream is cancelled when the loop over them ends early, and when `signal`
 * aborts, which ends a read that waits; the caller then checks the signal.
 */
export async function* readChunks(
  stream: ByteStream,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = stream.getReader();
  let isDone = false;
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    if (signal?.aborted) return;
    while (true) {
      const next = await reader.read();
      if (next.done) {
        isDone = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    isDone = true;
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
    if (!isDone) await reader.cancel();
    reader.releaseLock();
  }
}
