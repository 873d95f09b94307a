import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { type ByteStream, streamFrom, streamOf } from "./byte_stream.ts";
import { collect } from "./collect.ts";
import { createCompressor, type Encoding } from "./compress.ts";
import { decompress } from "./compression.ts";

/** Bytes that shrink to something like a half, the same for one seed. */
function sample(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed + 1;
  for (let at = 0; at < length; at++) {
    if (at % 3 === 0) state = Math.imul(state, 48271) % 2147483647;
    bytes[at] = (state >>> 8) & 31;
  }
  return bytes;
}

async function compress(
  bytes: Uint8Array<ArrayBuffer>,
  encoding: Encoding,
  threads = 2,
): Promise<Uint8Array<ArrayBuffer>> {
  using compressor = createCompressor(threads);
  return await collect(compressor.compress(new Blob([bytes]).stream(), encoding), 1 << 30);
}

const gzip: Encoding = { codec: "gzip", level: 6 };
const zstd: Encoding = { codec: "zstd", level: 3 };

for (const length of [0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20, 9_000_001]) {
  for (const encoding of [gzip, zstd]) {
    Deno.test(`compress() gives ${encoding.codec} that holds all of ${length} bytes`, async () => {
      const bytes = sample(length, length);
      const packed = await compress(bytes, encoding);
      if (length > 1000) assertLessOrEqual(packed.length, length * 0.8);
      const plain = await decompress(streamOf(packed));
      assertEquals(plain.compression, encoding.codec);
      const back = await collect(plain.stream, length);
      assert(back.length === bytes.length && back.every((byte, at) => byte === bytes[at]));
      if (encoding.codec === "gzip") assertEquals(gunzipSync(packed).length, length);
    });
  }
}

Deno.test("compress() gives the same bytes whatever the number of threads and the size of chunks, and other ones for another level", async () => {
  const bytes = sample(5_500_000, 7);
  for (const encoding of [gzip, zstd]) {
    const one = await compress(bytes, encoding, 1);
    const four = await compress(bytes, encoding, 4);
    assertEquals(one, four);
    using compressor = createCompressor(3);
    const pieces = function* (): Generator<Uint8Array<ArrayBuffer>> {
      for (let at = 0; at < bytes.length; at += 77_777) yield bytes.slice(at, at + 77_777);
    };
    assertEquals(await collect(compressor.compress(streamFrom(pieces()), encoding), 1 << 30), one);
  }
  assert((await compress(bytes, { codec: "gzip", level: 1 })).length !== (await compress(bytes, gzip)).length);
});

Deno.test("compress() reads no more than some blocks ahead, and lets the stream go when it is canceled", async () => {
  using compressor = createCompressor(2);
  let read = 0;
  let isCanceled = false;
  const endless: ByteStream = new ReadableStream({
    pull(controller): void {
      read++;
      controller.enqueue(sample(1 << 20, read));
    },
    cancel(): void {
      isCanceled = true;
    },
  }, { highWaterMark: 0 });
  const reader = compressor.compress(endless, gzip).getReader();
  for (let count = 0; count < 3; count++) await reader.read();
  assertLessOrEqual(read, 10);
  await reader.cancel();
  assert(isCanceled);
});

Deno.test("compress() passes on what goes wrong while reading", async () => {
  using compressor = createCompressor(2);
  const failing = function* (): Generator<Uint8Array<ArrayBuffer>> {
    yield sample(3 << 20, 1);
    throw new RangeError("broken");
  };
  await assertRejects(() => collect(compressor.compress(streamFrom(failing()), gzip), 1 << 30), RangeError, "broken");
});
