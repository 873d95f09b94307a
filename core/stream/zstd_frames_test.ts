import { assertEquals, assertThrows } from "@std/assert";
import { constants, zstdCompressSync } from "node:zlib";
import { EngineError } from "../errors.ts";
import { concatBytes } from "./collect.ts";
import { ZstdFrames } from "./zstd_frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const skippable = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]);
const emptySkippable = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);

function frames(): Bytes[] {
  const plain = new Uint8Array(400_000).map((_, i) => (i * i) >> 7);
  const of = (size: number, checksum: number): Bytes =>
    new Uint8Array(
      zstdCompressSync(plain.subarray(0, size), { params: { [constants.ZSTD_c_checksumFlag]: checksum } }),
    );
  return [of(0, 0), of(1, 1), of(300, 0), of(70_000, 1), of(400_000, 0)];
}

Deno.test("ZstdFrames.split() never lets a part reach beyond one data frame", () => {
  const data = frames();
  const all = concatBytes([skippable, ...data.flatMap((frame) => [frame, skippable, emptySkippable])]);
  for (const size of [1, 3, 1000, all.length]) {
    const splitter = new ZstdFrames();
    const parts: Bytes[] = [];
    for (let at = 0; at < all.length; at += size) parts.push(...splitter.split(all.subarray(at, at + size)));
    splitter.end();
    const ends = new Set<number>();
    let length = 0;
    for (const part of parts) ends.add(length += part.length);
    length = 0;
    for (const frame of data) assertEquals(ends.has(length += frame.length), true, `${size}`);
    assertEquals(concatBytes(parts), concatBytes(data));
  }
});

Deno.test("ZstdFrames.end() refuses data that is cut off", () => {
  const [frame] = frames().slice(2);
  const all = concatBytes([frame ?? skippable, skippable]);
  for (let length = 1; length < all.length; length++) {
    const splitter = new ZstdFrames();
    for (const _ of splitter.split(all.subarray(0, length))) { /* only the end matters */ }
    if (length !== frame?.length) {
      assertThrows(() => splitter.end(), EngineError, "Cannot decompress zstd data: it is cut off");
    } else splitter.end();
  }
});

Deno.test("ZstdFrames.split() refuses unknown frames and blocks", () => {
  const split = (hex: string): unknown[] => [...new ZstdFrames().split(Uint8Array.fromHex(hex))];
  assertThrows(() => split("00000000"), EngineError, "Cannot decompress zstd data: unknown frame type");
  assertThrows(() => split("28b52ffd0058060000"), EngineError, "Cannot decompress zstd data: unknown block type");
});
