import { assertEquals, assertThrows } from "@std/assert";
import { FrameReader, writeFrame } from "./frames.ts";

type Frame = readonly [head: unknown, body: readonly number[] | undefined];

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const sent: readonly Frame[] = [
  [{ t: "a", text: "\u00e4" }, undefined],
  [[1, 2], [1, 2, 3]],
  [null, undefined],
  ["x".repeat(300), Array.from({ length: 300 }, (_, i) => i % 256)],
];

Deno.test("FrameReader gives the messages that were written, however their bytes come", () => {
  const bytes = join(
    sent.flatMap(([head, body]) =>
      writeFrame(head as string, body === undefined ? undefined : new Uint8Array(body).buffer)
    ),
  );
  for (const size of [1, 7, 8, 9, 100, 10_000]) {
    const got: Frame[] = [];
    const reader = new FrameReader((head, body) => {
      got.push([head, body === undefined ? undefined : [...new Uint8Array(body)]]);
    });
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    assertEquals(got, sent);
  }
});

Deno.test("FrameReader throws for what is no message, before it takes memory for it", () => {
  const wrong = [[0, 0, 0, 0, 0, 0, 0, 0], [255, 255, 255, 255, 0, 0, 0, 0], [0, 0, 0, 1, 255, 255, 255, 255]];
  for (const bytes of wrong) {
    assertThrows(() => new FrameReader(() => {}).push(new Uint8Array(bytes)), TypeError, "no message");
  }
  assertThrows(() => new FrameReader(() => {}).push(new Uint8Array([0, 0, 0, 1, 0, 0, 0, 0, 123])), SyntaxError);
});
