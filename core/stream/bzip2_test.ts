import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { streamFrom, streamOf } from "./byte_stream.ts";
import { bunzip2 } from "./bzip2.ts";
import { collect, concatBytes } from "./collect.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const packed = Uint8Array.fromBase64(
  "QlpoOTFBWSZTWW8pSkwAADIYAEAAf+AwALMEA000FTDTb1Ugypgf6qhn2d8rtx6zQDo2BQcBwFBsDo0AsyARhiSSSS/gHZYYA5LBkG5YGg1LAbGZYBwxLAHXksAElAH4u5IpwoSDeUpSYA==",
);
const emptyPacked = Uint8Array.fromBase64("QlpoORdyRThQkAAAAAA=");
const plain = new TextEncoder().encode(Array.from({ length: 90 }, (_, i) => `${i + 1} `).join(""));

async function unpack(...chunks: readonly Bytes[]): Promise<Bytes> {
  return await collect(streamFrom(bunzip2(streamOf(...chunks))), 1 << 20);
}

Deno.test("bunzip2() gives the plain bytes, of several streams too, whatever the chunks", async () => {
  assertEquals(await unpack(packed), plain);
  assertEquals(await unpack(...[...packed].map((byte) => new Uint8Array([byte]))), plain);
  assertEquals(await unpack(emptyPacked), new Uint8Array(0));
  assertEquals(await unpack(concatBytes([packed, emptyPacked, packed])), concatBytes([plain, plain]));
});

Deno.test("bunzip2() refuses data that is cut off anywhere", async () => {
  for (let length = 0; length < packed.length; length++) {
    const error = await assertRejects(() => unpack(packed.slice(0, length)), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT", String(length));
  }
});

Deno.test("bunzip2() never gives other bytes when a bit has turned", async () => {
  for (let bit = 0; bit < 8 * packed.length; bit++) {
    const damaged = packed.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    const result = await unpack(damaged).catch((error: unknown) => error);
    if (result instanceof EngineError) assertEquals(["INVALID_ARGUMENT", "UNSUPPORTED"].includes(result.code), true);
    else assertEquals(result, plain, String(bit));
  }
});

Deno.test("bunzip2() refuses junk after the data", async () => {
  const junk = new TextEncoder().encode("junk");
  assertEquals(
    (await assertRejects(() => unpack(packed, junk), EngineError)).message,
    "Cannot decompress bzip2 data: no bzip2 data",
  );
});
