import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { streamFrom, streamOf } from "./byte_stream.ts";
import { collect, concatBytes } from "./collect.ts";
import { unxz } from "./xz.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const packed = Uint8Array.fromBase64(
  "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AEXAA5dADmdCow8YX4yBsIBeAAAAAAAkTcybEpu9IgAASqYAgAAANdWHS6xxGf7AgAAAAAEWVo=",
);
const sha256Packed = Uint8Array.fromBase64(
  "/Td6WFoAAArh+wyhAgAhARYAAAB0L+WjAQAAeAAAAAAtcRZCtyawRAFifKn7rDL1yFMPsZA8xNsCJYcXkhpIgQABMQEPgtyRGJtLmgEAAAAAClla",
);
const plain = new TextEncoder().encode("strata ".repeat(40));

async function unpack(...chunks: readonly Bytes[]): Promise<Bytes> {
  return await collect(streamFrom(unxz(streamOf(...chunks))), 1 << 20);
}

Deno.test("unxz() gives the plain bytes, of several streams too, whatever the chunks", async () => {
  assertEquals(await unpack(packed), plain);
  assertEquals(await unpack(...[...packed].map((byte) => new Uint8Array([byte]))), plain);
  assertEquals(await unpack(concatBytes([packed, packed])), concatBytes([plain, plain]));
});

Deno.test("unxz() refuses data that is cut off anywhere", async () => {
  for (let length = 0; length < packed.length; length++) {
    assertEquals((await assertRejects(() => unpack(packed.slice(0, length)), EngineError)).code, "INVALID_ARGUMENT");
  }
});

Deno.test("unxz() never gives other bytes when a bit has turned", async () => {
  for (let bit = 0; bit < 8 * packed.length; bit += 3) {
    const damaged = packed.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    const result = await unpack(damaged).catch((error: unknown) => error);
    if (result instanceof EngineError) assertEquals(["INVALID_ARGUMENT", "UNSUPPORTED"].includes(result.code), true);
    else assertEquals(result, plain, String(bit));
  }
});

Deno.test("unxz() refuses a check it does not know", async () => {
  const error = await assertRejects(() => unpack(sha256Packed), EngineError);
  assertEquals([error.code, error.message], [
    "UNSUPPORTED",
    "Cannot decompress xz data: it has an unknown filter or check",
  ]);
});

Deno.test("unxz() can be left early and used again, and at the same time", async () => {
  const left = unxz(streamOf(packed, packed));
  await left.next();
  await left.return(undefined);
  assertEquals(await Promise.all([unpack(packed), unpack(packed)]), [plain, plain]);
});

Deno.test("unxz() can be left early when the decoder has read ahead to the end", async () => {
  // 200,000 zeros, which come out in several chunks.
  const zeros = Uint8Array.fromBase64(
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4w0/AGFdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3fz/n8wAAAAAADY68/QHGh3cAAX3AmgwAAL3aG0axxGf7AgAAAAAEWVo=",
  );
  for (let chunks = 1; chunks <= 4; chunks++) {
    const left = unxz(streamOf(zeros));
    for (let chunk = 0; chunk < chunks; chunk++) await left.next();
    assertEquals((await left.return(undefined)).done, true);
    assertEquals(await unpack(zeros), new Uint8Array(200_000));
  }
});

Deno.test("unxz() passes on the error of its source", async () => {
  const failing = (function* (): Generator<Bytes> {
    yield packed.slice(0, 30);
    throw new EngineError("NETWORK_FAILED", "reset");
  })();
  assertEquals(
    (await assertRejects(() => collect(streamFrom(unxz(streamFrom(failing))), 1 << 20), EngineError)).message,
    "reset",
  );
});
