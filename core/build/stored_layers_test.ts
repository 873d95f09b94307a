import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { createMemoryStore } from "../../tests/helpers/memory_store.ts";
import { member, tarEnd } from "../../tests/helpers/tar_bytes.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { MediaType } from "../oci/media_type.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { concatBytes } from "../stream/collect.ts";
import { emptyChain, extendChain } from "./chain.ts";
import { storedLayers } from "./stored_layers.ts";

const call = createTestCall();
const tar = concatBytes([member({ name: "a" }), member({ name: "b" }), tarEnd, new Uint8Array(9000)]);

async function readAs(diffId: Digest): Promise<readonly string[]> {
  await using store = createMemoryStore();
  const descriptor = await store.ingest(streamOf(new Uint8Array(gzipSync(tar))), MediaType.layerGzip, call);
  const [layer] = await storedLayers(await extendChain(emptyChain, [{ descriptor, diffId }]), store);
  if (layer === undefined) throw new Error("no layer");
  return (await Array.fromAsync(layer.entries(call))).flat().map(({ path }) => path);
}

Deno.test("storedLayers() gives entries of a layer whose diffID is right, with what is behind its end", async () => {
  assertEquals(await readAs(await sha256(tar)), ["a", "b"]);
});

Deno.test("storedLayers() rejects CONTENT_MISMATCH at the end of a layer whose diffID is another", async () => {
  const wrong = await sha256(tar.subarray(0, tar.length - 9000));
  const error = await assertRejects(() => readAs(wrong), EngineError);
  assertEquals([error.code, error.detail], ["CONTENT_MISMATCH", { expected: wrong, actual: await sha256(tar) }]);
});
