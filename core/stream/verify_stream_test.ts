import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { streamFrom, streamOf } from "./byte_stream.ts";
import { collect } from "./collect.ts";
import { createHasher, hashBytes } from "./hash_stream.ts";
import { verifyStream } from "./verify_stream.ts";

const content = new Uint8Array(100_000).map((_, i) => i * 3);
const right = { digest: hashBytes(content), size: content.length };

function pieces(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return streamOf(content.slice(0, 60_000), content.slice(60_000));
}

async function refused(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  expected: { digest: Digest; size: number },
  message: string,
): Promise<void> {
  const error = await assertRejects(() => collect(verifyStream(stream, expected), 1 << 20), EngineError);
  assertEquals([error.code, error.message], [
    "CONTENT_MISMATCH",
    `Cannot verify content "${expected.digest}": ${message}`,
  ]);
}

Deno.test("verifyStream() passes right bytes on, by every registered algorithm", async () => {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const hasher = createHasher(algorithm);
    hasher.update(content);
    assertEquals(
      await collect(verifyStream(pieces(), { digest: hasher.digest(), size: content.length }), 1 << 20),
      content,
    );
  }
  assertEquals(
    await collect(verifyStream(streamOf(), { digest: hashBytes(new Uint8Array(0)), size: 0 }), 0),
    new Uint8Array(0),
  );
});

Deno.test("verifyStream() errors when bytes are too many, too few or others", async () => {
  await refused(pieces(), { ...right, size: 99_999 }, "got more than 99999 bytes, expected 99999");
  await refused(pieces(), { ...right, size: 100_001 }, "got 100000 bytes, expected 100001");
  await refused(streamOf(), right, "got 0 bytes, expected 100000");
  const other = hashBytes(new Uint8Array(1));
  await refused(pieces(), { ...right, digest: other }, `its digest is ${right.digest}`);
  await refused(streamOf(), { digest: other, size: 0 }, `its digest is ${hashBytes(new Uint8Array(0))}`);
});

Deno.test("verifyStream() gives the last chunk only when the digest is right", async () => {
  const reader = verifyStream(pieces(), { ...right, digest: hashBytes(new Uint8Array(1)) }).getReader();
  assertEquals((await reader.read()).value?.length, 60_000);
  await assertRejects(() => reader.read(), EngineError);
});

Deno.test("verifyStream() reads no further than the size allows", async () => {
  let asked = 0;
  const endless = (function* (): Generator<Uint8Array<ArrayBuffer>> {
    while (true) {
      asked++;
      yield new Uint8Array(1000);
    }
  })();
  await assertRejects(() => collect(verifyStream(streamFrom(endless), { ...right, size: 2500 }), 1 << 20), EngineError);
  assertEquals(asked, 3);
});

Deno.test("verifyStream() refuses algorithms it does not know", () => {
  const error = assertThrows(() => verifyStream(streamOf(), { digest: "md5:00", size: 0 }), EngineError);
  assertEquals([error.code, error.message], [
    "UNSUPPORTED",
    'Cannot verify content "md5:00": unknown digest algorithm',
  ]);
});
