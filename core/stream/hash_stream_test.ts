import { assertEquals } from "@std/assert";
import { streamOf } from "./byte_stream.ts";
import { collect } from "./collect.ts";
import { createHasher, hashBytes, hashing } from "./hash_stream.ts";

const text = new TextEncoder().encode("abc");
const digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("createHasher() hashes and counts what comes in pieces", () => {
  const hasher = createHasher();
  hasher.update(text.subarray(0, 1));
  hasher.update(text.subarray(1));
  assertEquals([hasher.digest(), hasher.digest(), hasher.size], [digest, digest, 3]);
});

Deno.test("createHasher() knows the registered algorithms", () => {
  const lengths = (["sha256", "sha384", "sha512"] as const).map((algorithm) => createHasher(algorithm).digest().length);
  assertEquals(lengths, [7 + 64, 7 + 96, 7 + 128]);
});

Deno.test("hashBytes() gives the digest at once", () => {
  assertEquals(hashBytes(text), digest);
});

Deno.test("hashing() passes bytes through and tells what they were", async () => {
  const stage = hashing();
  assertEquals(await collect(streamOf(text.slice(0, 2), text.slice(2)).pipeThrough(stage.through), 10), text);
  assertEquals(stage.result(), { digest, size: 3 });
});
