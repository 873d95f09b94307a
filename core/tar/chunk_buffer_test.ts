import { assertEquals } from "@std/assert";
import { concatBytes } from "../stream/collect.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

function takeAll(buffer: ChunkBuffer): Bytes[] {
  const chunks: Bytes[] = [];
  for (let chunk = buffer.take(); chunk !== undefined; chunk = buffer.take()) chunks.push(chunk);
  return chunks;
}

function filled(size: number, value: number): Bytes {
  return new Uint8Array(size).fill(value);
}

Deno.test("ChunkBuffer gathers what is written into chunks of 1 MiB", () => {
  const buffer = new ChunkBuffer();
  for (let i = 0; i < 30; i++) buffer.write(filled(100_000, i));
  assertEquals(takeAll(buffer).map((chunk) => chunk.length), [1 << 20, 1 << 20]);
  buffer.flush();
  assertEquals([takeAll(buffer).length, buffer.position], [1, 3_000_000]);
});

Deno.test("ChunkBuffer passes large chunks on as they are, between what was written around them", () => {
  const buffer = new ChunkBuffer();
  const large = filled(300_000, 2);
  buffer.write(filled(10, 1));
  buffer.give(large);
  buffer.give(filled(10, 3));
  buffer.flush();
  const chunks = takeAll(buffer);
  assertEquals(chunks.map((chunk) => chunk.length), [10, 300_000, 10]);
  assertEquals([chunks[1] === large, buffer.position], [true, 300_020]);
});

Deno.test("ChunkBuffer never changes a chunk that was taken", () => {
  const buffer = new ChunkBuffer();
  const taken: Bytes[] = [];
  const expected: Bytes[] = [];
  for (let i = 0; i < 40; i++) {
    const part = filled(i * 3000, i);
    buffer.write(part);
    buffer.zeros(100);
    if (i % 3 === 0) buffer.flush();
    expected.push(part, filled(100, 0));
    taken.push(...takeAll(buffer));
  }
  buffer.flush();
  assertEquals(concatBytes([...taken, ...takeAll(buffer)]), concatBytes(expected));
});

Deno.test("ChunkBuffer.reserve() gives zeros, also where something was written before", () => {
  const buffer = new ChunkBuffer();
  buffer.write(filled(512, 9));
  buffer.flush();
  assertEquals(buffer.reserve(512), filled(512, 0));
});
