/** Two ends of a wire in one process, and one end against what makes no sense. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { chunked, makeBytes } from "../../../tests/conformance/store_tools.ts";
import type { ByteStream } from "../../contract/call.ts";
import { Peer } from "./peer.ts";
import { methodsOf } from "./stubs.ts";
import type { Head, Wire } from "./wire.ts";

interface End extends Wire {
  deliver(head: unknown, body?: ArrayBuffer): void;
  readonly sent: unknown[];
}

/** A wire whose other end is `other`, which is set later. */
function end(): End & { other?: End } {
  let onMessage: (head: unknown, body: ArrayBuffer | undefined) => void = () => {};
  const made: End & { other?: End } = {
    sent: [],
    send(head: Head, body?: ArrayBuffer): void {
      made.sent.push(head);
      const copy = JSON.parse(JSON.stringify(head));
      queueMicrotask(() => made.other?.deliver(copy, body));
    },
    deliver: (head, body) => onMessage(head, body),
    listen(listener): void {
      onMessage = listener;
    },
    close: () => Promise.resolve(),
  };
  return made;
}

function pair(content: () => ByteStream): Peer {
  const [left, right] = [end(), end()];
  left.other = right;
  right.other = left;
  const options = { wrap: (error: Error) => error, onBreach: (reason: string) => assert(false, reason) };
  const far = new Peer(right, options);
  far.offer("content", { open: () => Promise.resolve(content()) });
  return new Peer(left, options);
}

Deno.test("a stream comes over a wire whole, and its reader decides how fast", async () => {
  const bytes = makeBytes(5 * 1024 * 1024 + 3);
  let given = 0;
  const peer = pair(() =>
    chunked(bytes, 64 * 1024).pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller): void {
          given++;
          controller.enqueue(chunk);
        },
      }),
    )
  );
  const stream = await peer.call({ name: "content", id: 1 }, "open", [0], { hook: "x" }) as ByteStream;
  const reader = stream.getReader();
  const first = await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert(given < 12, `${given} chunks were read ahead`);
  reader.releaseLock();
  assert(!first.done);
  const whole = [first.value, ...await Array.fromAsync(stream)];
  assertEquals(new Uint8Array(await new Blob(whole).arrayBuffer()), bytes);
});

Deno.test("a stream that is left is canceled on the other side, and one that fails fails here", async () => {
  const canceled = Promise.withResolvers<void>();
  const endless = (): ByteStream =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => canceled.resolve(),
    });
  const left = await pair(endless).call({ name: "content", id: 1 }, "open", [0], { hook: "x" }) as ByteStream;
  await left.cancel();
  await canceled.promise;
  const torn = (): ByteStream => new ReadableStream({ start: (controller) => controller.error(new TypeError("torn")) });
  const failing = await pair(torn).call({ name: "content", id: 1 }, "open", [0], { hook: "x" }) as ByteStream;
  await assertRejects(() => new Response(failing).arrayBuffer(), Error, "torn");
});

Deno.test("what an interface does not have cannot be called, nor what was never offered", async () => {
  const peer = pair(() => new Blob([]).stream());
  const place = { hook: "x" };
  await assertRejects(
    () => peer.call({ name: "content", id: 1 }, "toString", [], place),
    TypeError,
    "it has no toString",
  );
  await assertRejects(() => peer.call({ name: "content", id: 7 }, "open", [0], place), Error, "nothing is left");
  await assertRejects(() => peer.call({ name: "tree", id: 1 }, "digest", [], place), Error);
});

const senseless: readonly (readonly [what: string, head: unknown, body?: ArrayBuffer])[] = [
  ["no object", 5],
  ["an unknown type", { t: "door" }],
  ["an answer to nothing", { t: "answer", id: 99 }],
  ["a print of no text", { t: "print", text: {} }],
  ["a chunk without a body", { t: "chunk", id: 1 }],
  ["a chunk that is too long", { t: "chunk", id: 1 }, new ArrayBuffer(2 * 1024 * 1024)],
  ["a fault", { t: "fault", error: { message: "it broke" } }],
];
for (const [what, head, body] of senseless) {
  Deno.test(`a wire ends when the other side sends ${what}`, async () => {
    const wire = end();
    const reasons: string[] = [];
    const peer: Peer = new Peer(wire, {
      wrap: (error) => error,
      onPrint: () => ({ type: "warning", code: "x", message: "x" }),
      onBreach: (reason) => {
        reasons.push(reason);
        peer.fail(new Error(reason));
      },
    });
    const opening = peer.call({ name: "content", id: 1 }, "open", [0], { hook: "x" });
    wire.deliver({ t: "answer", id: 1, value: 1 });
    const reading = new Response(await opening as ByteStream).arrayBuffer();
    const pending = peer.call({ name: "content", id: 1 }, "open", [0], { hook: "x" });
    wire.deliver(head, body);
    await assertRejects(() => pending);
    await assertRejects(() => reading);
    assertEquals(reasons.length, 1);
    await assertRejects(() => Promise.resolve(methodsOf(peer, { name: "content", id: 1 }).open?.(0)));
  });
}

Deno.test("a side that owes nothing, or waits for an answer itself, is not silent", async () => {
  const wire = end();
  const peer = new Peer(wire, { wrap: (error) => error, onBreach: () => {} });
  assertEquals(peer.silentMs < 1, true);
  const waiting = Promise.withResolvers<never>();
  peer.offer("content", { open: () => waiting.promise });
  const pending = peer.call({ name: "content", id: 1 }, "open", [0], { hook: "x" });
  wire.deliver({ t: "call", id: 5, to: 1, name: "open", args: [0] });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(peer.silentMs < 5, true);
  waiting.reject(new TypeError("done"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(peer.silentMs > 0, true);
  peer.fail(new Error("over"));
  await assertRejects(() => pending, Error, "over");
});
