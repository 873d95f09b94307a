import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { streamFrom, streamOf } from "./byte_stream.ts";
import { collect, collectText, concatBytes } from "./collect.ts";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);

Deno.test("collect() gives all bytes in one array", async () => {
  assertEquals(await collect(streamOf(bytes(1), bytes(2, 3)), 3), bytes(1, 2, 3));
  assertEquals(await collect(streamOf(), 0), bytes());
});

Deno.test("collect() rejects and cancels when there is more than it may take", async () => {
  let isEnded = false;
  const endless = (function* (): Generator<Uint8Array<ArrayBuffer>> {
    try {
      while (true) yield bytes(1, 2);
    } finally {
      isEnded = true;
    }
  })();
  const error = await assertRejects(() => collect(streamFrom(endless), 5), EngineError);
  assertEquals([error.code, error.message, isEnded], [
    "INVALID_ARGUMENT",
    "Cannot read content: it is larger than 5 bytes",
    true,
  ]);
});

Deno.test("collectText() decodes UTF-8 across chunks and refuses what is none", async () => {
  assertEquals(await collectText(streamOf(bytes(0xc3), bytes(0xa4)), 9), "ä");
  assertEquals(
    (await assertRejects(() => collectText(streamOf(bytes(0xff)), 9), EngineError)).code,
    "INVALID_ARGUMENT",
  );
});

Deno.test("concatBytes() joins arrays", () => {
  assertEquals(concatBytes([bytes(1), bytes(), bytes(2, 3)]), bytes(1, 2, 3));
});
