import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { EngineError } from "../errors.ts";
import { type ByteStream, streamFrom, streamOf } from "./byte_stream.ts";
import { collect, concatBytes } from "./collect.ts";
import { type Compression, decompress, detectCompression } from "./compression.ts";
import { verifyStream } from "./verify_stream.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const plain = new Uint8Array(300_000).map((_, i) => (i * i) >> 5);
const half = plain.length / 2;
const skippable = new Uint8Array([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

const gzipped = new Uint8Array(gzipSync(plain));
const members = concatBytes([gzipSync(plain.subarray(0, half)), gzipSync(plain.subarray(half))]);
const frame = (from: number, to: number): Bytes => new Uint8Array(zstdCompressSync(plain.subarray(from, to)));

function chunked(bytes: Bytes, size: number): ByteStream {
  const chunks: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return streamOf(...chunks);
}

async function unpack(bytes: Bytes, size = 1 << 16): Promise<Bytes> {
  return await collect((await decompress(chunked(bytes, size))).stream, 1 << 24);
}

async function refused(message: string, bytes: Bytes): Promise<void> {
  const error = await assertRejects(() => unpack(bytes), EngineError);
  assertEquals([error.code, error.message.slice(0, message.length)], ["INVALID_ARGUMENT", message]);
}

Deno.test("detectCompression() goes by the first bytes", () => {
  const heads: Record<string, Compression> = {
    "1f8b0800": "gzip",
    "28b52ffd04": "zstd",
    "502a4d18": "zstd",
    "5f2a4d18": "zstd",
    "fd377a585a00": "xz",
    "425a6839314159265359": "bzip2",
    "425a6831177245385090": "bzip2",
    "425a6830314159265359": "none",
    "425a68393141592653": "none",
    "1f8b": "none",
    "602a4d18": "none",
    "": "none",
    "75737461720000": "none",
  };
  for (const [hex, compression] of Object.entries(heads)) {
    assertEquals(detectCompression(Uint8Array.fromHex(hex)), compression, hex);
  }
});

Deno.test("decompress() gives the plain bytes whatever the chunks", async () => {
  const forms = [
    gzipped,
    members,
    concatBytes([members, new Uint8Array(700)]),
    frame(0, plain.length),
    concatBytes([
      skippable,
      frame(0, 10),
      skippable,
      frame(10, 10),
      frame(10, half),
      frame(half, plain.length),
      skippable,
    ]),
    plain,
  ];
  for (const form of forms) {
    for (const size of [7, 4096, 1 << 20]) {
      if (size > 7 || form !== plain) assertEquals(await unpack(form, size), plain);
    }
  }
});

Deno.test("decompress() tells what it found", async () => {
  for (
    const [bytes, compression] of [[gzipped, "gzip"], [frame(0, 9), "zstd"], [plain, "none"], [
      new Uint8Array(0),
      "none",
    ]] as const
  ) {
    const found = await decompress(streamOf(bytes));
    assertEquals(found.compression, compression);
    await found.stream.cancel();
  }
});

Deno.test("decompress() refuses data that is cut off or damaged", async () => {
  for (const length of [10, 11, 100, gzipped.length - 9, gzipped.length - 1]) {
    await refused("Cannot decompress gzip data: ", gzipped.slice(0, length));
  }
  await refused("Cannot decompress gzip data: ", members.slice(0, members.length - 5));
  const zstd = concatBytes([frame(0, half), frame(half, plain.length)]);
  for (const length of [4, 5, 100, frame(0, half).length + 1, frame(0, half).length + 4, zstd.length - 1]) {
    await refused("Cannot decompress zstd data: it is cut off", zstd.slice(0, length));
  }
  for (const bytes of [gzipped, zstd]) {
    const damaged = bytes.slice();
    damaged.set([damaged.length & 0xff, 0x55, 0xaa], bytes.length - 6);
    await refused("Cannot decompress ", damaged);
  }
});

Deno.test("decompress() refuses junk after the data", async () => {
  const junk = new TextEncoder().encode("junkjunk");
  await refused("Cannot decompress gzip data: ", concatBytes([gzipped, junk]));
  await refused("Cannot decompress zstd data: unknown frame type", concatBytes([frame(0, 100), junk]));
});

Deno.test("decompress() bounds what comes out", async () => {
  const bomb = new Uint8Array(gzipSync(new Uint8Array(50_000_000)));
  const { stream } = await decompress(streamOf(bomb), { maxBytes: 1_000_000 });
  const error = await assertRejects(() => collect(stream, 1 << 30), EngineError);
  assertEquals([error.code, error.message], [
    "INVALID_ARGUMENT",
    "Cannot decompress content: it is larger than 1000000 bytes",
  ]);
  const exact = await decompress(streamOf(gzipped), { maxBytes: plain.length });
  assertEquals((await collect(exact.stream, 1 << 30)).length, plain.length);
});

Deno.test("decompress() asks for no more than is read, and ends its source when it is canceled", async () => {
  for (
    const bytes of [
      gzipSync(new Uint8Array(30_000_000)),
      zstdCompressSync(new Uint8Array(30_000_000)),
      new Uint8Array(30_000_000),
    ]
  ) {
    let asked = 0;
    let isEnded = false;
    const source = (function* (): Generator<Bytes> {
      try {
        for (let at = 0; at < bytes.length; at += 512) {
          asked++;
          yield new Uint8Array(bytes.subarray(at, at + 512));
        }
      } finally {
        isEnded = true;
      }
    })();
    const reader = (await decompress(streamFrom(source))).stream.getReader();
    await reader.read();
    await reader.cancel();
    assertEquals([asked < 20_000, isEnded], [true, true]);
  }
});

Deno.test("decompress() passes on the error of its source", async () => {
  for (const bytes of [gzipped, frame(0, plain.length), plain]) {
    const failing = (function* (): Generator<Bytes> {
      yield bytes.slice(0, 200);
      throw new EngineError("NETWORK_FAILED", "reset");
    })();
    const { stream } = await decompress(streamFrom(failing));
    assertEquals((await assertRejects(() => collect(stream, 1 << 24), EngineError)).message, "reset");
  }
});

Deno.test("decompress() and verifyStream() cancel their source when they are canceled before a read", async () => {
  for (const bytes of [gzipped, plain]) {
    let canceled = 0;
    const open = (): ByteStream =>
      new ReadableStream({ pull: (controller) => controller.enqueue(bytes), cancel: () => void canceled++ });
    await (await decompress(open())).stream.cancel();
    await (await decompress(open(), { maxBytes: 10 })).stream.cancel();
    await verifyStream(open(), { digest: "sha256:aa", size: 1 }).cancel();
    assertEquals(canceled, 3);
  }
});
