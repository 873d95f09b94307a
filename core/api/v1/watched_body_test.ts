import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../errors.ts";
import { watchBody } from "./watched_body.ts";

/** A body of so many chunks, which counts those that were taken. */
function bodyOf(chunks: number, end: "closes" | "fails" = "closes"): {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly taken: () => number;
} {
  let count = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller): void {
      if (count < chunks) return controller.enqueue(new Uint8Array(1024 * 1024).fill(count++ % 250));
      if (end === "closes") controller.close();
      else controller.error(new TypeError("connection reset"));
    },
  }, { highWaterMark: 0 });
  return { stream, taken: () => count };
}

Deno.test("watchBody() gives the bytes in order, and reads no more ahead than fits in memory", async () => {
  const { stream, taken } = bodyOf(40);
  const watched = watchBody(stream);
  // Whatever can be read without a reader has been when the queue of tasks is empty.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(taken() <= 5, true, `${taken()}`);
  const bytes = new Uint8Array(await new Response(watched.stream).arrayBuffer());
  await watched.ended;
  assertEquals([bytes.length, bytes[0], bytes.at(-1)], [40 * 1024 * 1024, 0, 39]);
});

Deno.test("watchBody() has come to its end for a small body that nobody reads, and drops what is left of a large one", async () => {
  await watchBody(bodyOf(2).stream).ended;
  const large = bodyOf(40);
  const watched = watchBody(large.stream);
  watched.leave();
  await watched.ended;
  assertEquals(large.taken(), 40);
  const canceled = bodyOf(40);
  const other = watchBody(canceled.stream);
  await other.stream.cancel();
  await other.ended;
  assertEquals(canceled.taken(), 40);
});

Deno.test("watchBody() tells who reads that the client went away", async () => {
  const watched = watchBody(bodyOf(2, "fails").stream);
  await watched.ended;
  const error = await assertRejects(() => new Response(watched.stream).arrayBuffer(), EngineError);
  assertEquals(error.code, "CANCELED");
});
