import { assertEquals } from "@std/assert";
import { constants, createZstdCompress, gzipSync, zstdDecompressSync } from "node:zlib";
import { streamOf } from "./byte_stream.ts";
import { collect, concatBytes } from "./collect.ts";
import { createCompressor } from "./compress.ts";
import { type ReadAt, sizeInGzip, sizeInZstd } from "./packed_size.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const plain = new Uint8Array(700_001).map((_, i) => (i * i) >> 5);
const skippable = new Uint8Array([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

function over(bytes: Bytes): { readonly readAt: ReadAt; readonly size: number; readonly count: () => number } {
  let count = 0;
  const readAt: ReadAt = (offset, length) => {
    count++;
    return bytes.subarray(offset, offset + length);
  };
  return { readAt, size: bytes.length, count: () => count };
}

const gzipSize = (bytes: Bytes): number | undefined => sizeInGzip(over(bytes).readAt, bytes.length);
const zstdSize = (bytes: Bytes): number | undefined => sizeInZstd(over(bytes).readAt, bytes.length);

/** As an encoder writes it that does not know how much will come. */
async function streamed(bytes: Bytes, checksum: number): Promise<Bytes> {
  const encoder = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: checksum } });
  for (let at = 0; at < bytes.length; at += 50_000) encoder.write(bytes.subarray(at, at + 50_000));
  encoder.end();
  return new Uint8Array(concatBytes(await Array.fromAsync(encoder)));
}

Deno.test("sizeInGzip() gives what the end says, of the last member alone", () => {
  assertEquals(gzipSize(new Uint8Array(gzipSync(plain))), plain.length);
  assertEquals(gzipSize(concatBytes([gzipSync(plain), gzipSync(plain.subarray(0, 5))])), 5);
  assertEquals([gzipSize(new Uint8Array(0)), gzipSize(new Uint8Array(3))], [undefined, undefined]);
});

/** A frame with one plain block whose header says how many bytes there are, in as many bytes. */
function frame(content: Bytes, sizeBytes: 1 | 2 | 4): Bytes {
  const flag = { 1: 0, 2: 1, 4: 2 }[sizeBytes];
  const said = content.length - (sizeBytes === 2 ? 256 : 0);
  const size = [said & 255, said >> 8 & 255, said >> 16 & 255, 0].slice(0, sizeBytes);
  const block = content.length << 3 | 1;
  const header = [0x28, 0xb5, 0x2f, 0xfd, flag << 6 | 0x20, ...size, block & 255, block >> 8 & 255, block >> 16];
  return concatBytes([new Uint8Array(header), content]);
}

Deno.test("sizeInZstd() adds up what frames say, with others between them", () => {
  const frames = [frame(plain.subarray(0, 100), 1), frame(plain.subarray(0, 300), 2), frame(plain.slice(0, 1000), 4)];
  for (const each of frames) assertEquals(zstdDecompressSync(each).length, zstdSize(each));
  assertEquals(zstdSize(concatBytes([skippable, ...frames, skippable])), 1400);
});

Deno.test("sizeInZstd() counts blocks where a frame does not say it", async () => {
  for (const checksum of [0, 1]) {
    const size = zstdSize(await streamed(plain, checksum)) ?? 0;
    assertEquals([size >= plain.length, size < plain.length + (128 << 10)], [true, true]);
  }
  using compressor = createCompressor(2);
  const large = new Uint8Array(9 << 20).fill(7);
  const packed = await collect(compressor.compress(streamOf(large), { codec: "zstd", level: 3 }), 1 << 24);
  assertEquals(zstdSize(packed), large.length);
});

Deno.test("sizeInZstd() gives nothing for what is cut off, is none, or has too many blocks to look at", async () => {
  const packed = await streamed(plain, 1);
  for (const length of [0, 3, 5, 100, packed.length - 1]) {
    assertEquals(zstdSize(packed.slice(0, length)), length === 0 ? 0 : undefined, String(length));
  }
  assertEquals(zstdSize(new Uint8Array(gzipSync(plain))), undefined);
  const header = packed.subarray(0, 6);
  const empty = over(concatBytes([header, new Uint8Array(900_000)]));
  assertEquals(sizeInZstd(empty.readAt, empty.size), undefined);
  assertEquals(empty.count() < 70_000, true);
});
