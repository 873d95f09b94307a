import { assertEquals, assertNotEquals } from "@std/assert";
import { cacheKey, type CacheKeyParts } from "./cache_key.ts";

const parts: CacheKeyParts = {
  platform: { os: "linux", architecture: "amd64" },
  op: { kind: "copy", args: { dest: "/a", exclude: [] } },
  plugin: "layer-copy",
  parent: "sha256:aa",
  content: "sha256:bb",
  inputs: undefined,
  settings: undefined,
  sourceDateEpoch: undefined,
};

Deno.test("cacheKey() gives 64 hex digits, the same ones when the parts are equal", async () => {
  const key = await cacheKey(parts);
  assertEquals(/^[0-9a-f]{64}$/.test(key), true);
  assertEquals(await cacheKey({ ...parts, op: { kind: "copy", args: { exclude: [], dest: "/a" } } }), key);
});

Deno.test("cacheKey() differs when any part does", async () => {
  const others: Partial<CacheKeyParts>[] = [
    { platform: { os: "linux", architecture: "arm64" } },
    { platform: { os: "linux", architecture: "amd64", "os.version": "1" } },
    { op: { kind: "move", args: parts.op.args } },
    { op: { kind: "copy", args: { dest: "/b", exclude: [] } } },
    { plugin: "another" },
    { parent: undefined },
    { content: undefined },
    { content: undefined, inputs: [undefined] },
    { content: undefined, inputs: ["sha256:bb"] },
    { settings: { network: "none" } },
    { sourceDateEpoch: 0 },
  ];
  const keys = await Promise.all([parts, ...others.map((other) => ({ ...parts, ...other }))].map(cacheKey));
  assertNotEquals(keys.length, 1);
  assertEquals(new Set(keys).size, keys.length);
});
