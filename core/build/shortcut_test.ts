import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import type { Digest } from "../oci/descriptor.ts";
import { lazyTree } from "./node_tree.ts";
import { shortcutKey } from "./shortcut.ts";
import type { StepSource } from "./step_source.ts";

const parts = {
  platform: { os: "linux", architecture: "amd64" },
  op: { kind: "copy", args: {} },
  plugin: "copy",
  settings: undefined,
  sourceDateEpoch: undefined,
};

/** An input whose files cannot be read. */
function input(id: string, isLayered = true): StepSource {
  const refuse = (): Promise<never> => Promise.reject(new TypeError("an input was read"));
  return {
    tree: lazyTree(refuse),
    identify: () => Promise.resolve(`sha256:${id.repeat(64)}` as Digest),
    isLayered,
    chain: refuse,
    snapshotLayers: refuse,
    pendingStep: undefined,
  };
}

Deno.test("shortcutKey() gives equal keys for equal inputs, without reading them", async () => {
  const key = await shortcutKey(parts, [input("a"), input("b")], createTestCall());
  assertMatch(key ?? "", /^[0-9a-f]{64}$/);
  assertEquals(await shortcutKey(parts, [input("a"), input("b")], createTestCall()), key);
  for (const inputs of [[input("b"), input("b")], [input("a"), input("c")], [input("a"), input("b"), input("b")]]) {
    assertNotEquals(await shortcutKey(parts, inputs, createTestCall()), key);
  }
});

Deno.test("shortcutKey() gives none for downloads, for contexts and for what reads nothing but what it is built on", async () => {
  const call = createTestCall();
  const fetch = { ...parts, op: { kind: "fetch", args: {} } };
  assertEquals(await shortcutKey(fetch, [input("a"), input("b")], call), undefined);
  assertEquals(await shortcutKey(parts, [input("a"), input("b", false)], call), undefined);
  assertEquals(await shortcutKey(parts, [input("a")], call), undefined);
});
