import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { peekStream, readChunks, streamFrom, streamOf, streamOver } from "./byte_stream.ts";

type Bytes = Uint8Array<ArrayBuffer>;
const bytes = (...values: number[]): Bytes => new Uint8Array(values);

function counting(): { readonly chunks: AsyncGenerator<Bytes>; asked: number; isEnded: boolean } {
  const state = { asked: 0, isEnded: false, chunks: undefined as unknown as AsyncGenerator<Bytes> };
  state.chunks = (async function* (): AsyncGenerator<Bytes> {
    try {
      while (true) yield await Promise.resolve(bytes(state.asked++));
    } finally {
      state.isEnded = true;
    }
  })();
  return state;
}

Deno.test("streamOf() gives chunks in order and leaves out empty ones", async () => {
  assertEquals(await Array.fromAsync(streamOf(bytes(1), bytes(), bytes(2, 3))), [bytes(1), bytes(2, 3)]);
  assertEquals(await Array.fromAsync(streamOf()), []);
});

Deno.test("streamFrom() asks for a chunk only when it is read, and returns the iterator when canceled", async () => {
  const source = counting();
  const reader = streamFrom(source.chunks).getReader();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(source.asked, 0);
  await reader.read();
  await reader.cancel();
  assertEquals([source.asked, source.isEnded], [1, true]);
});

Deno.test("streamFrom() errors with what the iterator throws", async () => {
  const failing = (function* (): Generator<Bytes> {
    yield bytes(1);
    throw new EngineError("NOT_FOUND", "gone");
  })();
  const reader = streamFrom(failing).getReader();
  assertEquals((await reader.read()).value, bytes(1));
  await assertRejects(() => reader.read(), EngineError, "gone");
});

Deno.test("streamFrom() errors with CANCELED when the signal aborts, at once while a read waits", async () => {
  const controller = new AbortController();
  const waiting = streamFrom({ next: () => new Promise<IteratorResult<Bytes>>(() => {}) }, controller.signal)
    .getReader().read();
  const source = counting();
  const later = streamFrom(source.chunks, controller.signal).getReader();
  await later.read();
  controller.abort("stop");
  for (const reading of [waiting, later.read()]) {
    assertEquals((await assertRejects(() => reading, EngineError)).code, "CANCELED");
  }
  assertEquals(source.isEnded, true);
});

Deno.test("streamOver() lets go of what it reads from when it is canceled, begun or not", async () => {
  for (const reads of [0, 1]) {
    const source = counting();
    let released = 0;
    const stream = streamOver(source.chunks, () => released++);
    const reader = stream.getReader();
    for (let i = 0; i < reads; i++) await reader.read();
    await reader.cancel();
    assertEquals([released, source.isEnded], reads === 0 ? [1, false] : [0, true]);
  }
});

Deno.test("peekStream() gives the head and all bytes, and cancels its source when it is canceled before a read", async () => {
  const { head, stream } = await peekStream(streamOf(bytes(1), bytes(2, 3), bytes(4)), 2);
  assertEquals(head, bytes(1, 2, 3));
  assertEquals(await Array.fromAsync(stream), [bytes(1, 2, 3), bytes(4)]);
  assertEquals((await peekStream(streamOf(bytes(1)), 5)).head, bytes(1));
  const source = counting();
  await (await peekStream(streamFrom(source.chunks), 2)).stream.cancel();
  assertEquals([source.asked, source.isEnded], [2, true]);
});

Deno.test("readChunks() cancels the stream when it is left early, and releases it", async () => {
  const source = counting();
  const stream = streamFrom(source.chunks);
  for await (const chunk of readChunks(stream)) if (chunk[0] === 2) break;
  assertEquals([source.asked, source.isEnded, stream.locked], [3, true, false]);
});

Deno.test("readChunks() ends when the signal aborts while a read waits", async () => {
  const controller = new AbortController();
  const reading = Array.fromAsync(readChunks(new ReadableStream(), controller.signal));
  controller.abort();
  assertEquals(await reading, []);
  assertEquals(await Array.fromAsync(readChunks(streamOf(bytes(1)), controller.signal)), []);
});
