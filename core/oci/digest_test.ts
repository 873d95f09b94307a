import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { canonicalJson } from "./canonical_json.ts";
import { appendChainId, chainId } from "./chain_id.ts";
import type { Digest } from "./descriptor.ts";
import { digestHex, isDigest, parseDigest, sha256 } from "./digest.ts";

Deno.test("sha256() gives the digest of text and bytes", async () => {
  const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  assertEquals(await sha256(""), empty);
  assertEquals(await sha256(new Uint8Array(0)), empty);
  assertEquals(digestHex(empty), empty.slice(7));
});

Deno.test("isDigest() takes known algorithms in lower-case hex of the right length", () => {
  assertEquals(isDigest(`sha512:${"0".repeat(128)}`), true);
  for (
    const text of [
      "",
      "sha256:",
      `sha256:${"g".repeat(64)}`,
      `sha256:${"0".repeat(63)}`,
      `md5:${"0".repeat(32)}`,
      "__proto__:x",
    ]
  ) {
    assertEquals(isDigest(text), false, text);
    assertThrows(() => parseDigest(text), EngineError, "Cannot read digest");
  }
});

Deno.test("chainId() folds diffIDs from the base up", async () => {
  const a: Digest = `sha256:${"a".repeat(64)}`;
  const b: Digest = `sha256:${"b".repeat(64)}`;
  assertEquals(await chainId([]), undefined);
  assertEquals(await chainId([a]), a);
  assertEquals(await chainId([a, b]), await sha256(`${a} ${b}`));
  assertEquals(await chainId([a, b, a]), await appendChainId(await chainId([a, b]), a));
});

Deno.test("canonicalJson() sorts keys at every depth and drops undefined", () => {
  assertEquals(canonicalJson({ b: [{ d: 1, c: undefined }, "x"], a: null }), '{"a":null,"b":[{"d":1},"x"]}');
  assertEquals(canonicalJson({ "10": 1, "9": 2 }), canonicalJson({ "9": 2, "10": 1 }));
});
