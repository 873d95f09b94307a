import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { BlockReader } from "./block_reader.ts";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);

Deno.test("BlockReader takes pieces out of one chunk without copying", () => {
  const reader = new BlockReader();
  const chunk = bytes(1, 2, 3, 4, 5);
  reader.push(chunk);
  const first = reader.take(2);
  assertEquals([first, first?.buffer === chunk.buffer, reader.position], [bytes(1, 2), true, 2]);
  reader.skip(1);
  assertEquals([reader.piece(10), reader.position], [bytes(4, 5), 5]);
});

Deno.test("BlockReader puts a piece together from several chunks", () => {
  const reader = new BlockReader();
  assertEquals(reader.take(4), undefined);
  for (const chunk of [bytes(1), bytes(2, 3), bytes()]) {
    reader.push(chunk);
    assertEquals(reader.take(4), undefined);
  }
  reader.push(bytes(4, 5));
  assertEquals(reader.take(4), bytes(1, 2, 3, 4));
  assertEquals(reader.take(1), bytes(5));
});

Deno.test("BlockReader skips over chunks", () => {
  const reader = new BlockReader();
  reader.push(bytes(1));
  reader.skip(5);
  for (const chunk of [bytes(2, 3), bytes(4)]) {
    reader.push(chunk);
    assertEquals(reader.piece(1), undefined);
  }
  reader.push(bytes(5, 6, 7));
  assertEquals(reader.piece(1), bytes(6));
});

Deno.test("BlockReader is exhausted only when nothing was begun", () => {
  const exhausted = (use: (reader: BlockReader) => unknown): boolean => {
    const reader = new BlockReader();
    reader.push(bytes(1, 2));
    use(reader);
    reader.end();
    return reader.isExhausted;
  };
  assertEquals(exhausted((reader) => reader.take(2)), true);
  assertEquals(exhausted((reader) => reader.take(1)), false);
  assertEquals(exhausted((reader) => reader.take(3)), false);
  assertEquals(exhausted((reader) => reader.skip(3)), false);
});

Deno.test("BlockReader refuses a chunk while it has one", () => {
  const reader = new BlockReader();
  reader.push(bytes(1));
  assertThrows(() => reader.push(bytes(2)), EngineError, "a chunk came too early");
});
