import { assert, assertEquals, assertRejects } from "@std/assert";
import { layerName } from "../store/names.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { EngineError } from "../errors.ts";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { recordChecked } from "./image_record.ts";
import { createCheckingSink } from "./layer_check.ts";
import { imageTree } from "./tree.ts";

const call = testCall();

/** Text that does not shrink much. */
function noise(length: number): string {
  let state = 1;
  let text = "";
  while (text.length < length) text += (state = (state * 48271) % 2147483647).toString(36);
  return text.slice(0, length);
}

Deno.test("createCheckingSink() reads small layers itself and large ones in threads, and keeps their tables of contents", async () => {
  await using from = await createTempEngine();
  await using to = await createTempEngine();
  const layers = [{ "small.txt": "a" }, { "large.txt": noise(4 << 20) }];
  const image = await putImage(from.store, { layers, gzip: true }, call);
  assert(image.layers.some(({ size }) => size > 1 << 20));
  using sink = createCheckingSink(to.store, call);
  for (const layer of image.layers) await sink.put(layer, (at) => from.store.open(layer, call, at), call);
  const diffIds = await sink.diffIds();
  assertEquals(image.layers.map(({ digest }) => diffIds.get(digest)), [...image.diffIds]);
  for (const diffId of image.diffIds) assert(await to.store.resolve(layerName(diffId), call) !== undefined);
});

Deno.test("createCheckingSink() leaves out what is no layer in spite of its type", async () => {
  await using to = await createTempEngine();
  using sink = createCheckingSink(to.store, call);
  const bytes = new TextEncoder().encode("no tar at all".repeat(100));
  const blob = await to.store.ingest(streamOf(bytes), "application/vnd.oci.image.layer.v1.tar", call);
  await sink.put(blob, () => Promise.resolve(streamOf(bytes)), call);
  assertEquals((await sink.diffIds()).size, 0);
});

Deno.test("recordChecked() rejects a layer that is another one than its config says", async () => {
  await using engine = await createTempEngine();
  const image = await putImage(engine.store, { layers: [{ a: "1" }], names: ["app"], gzip: true }, call);
  const [layer] = image.layers;
  assert(layer !== undefined);
  const { descriptor } = image;
  const right = new Map([[layer.digest, image.diffIds[0] ?? layer.digest]]);
  await recordChecked(engine.store, { descriptor, diffIds: right }, call);
  const wrong = new Map([[layer.digest, layer.digest]]);
  const error = await assertRejects(
    () => recordChecked(engine.store, { descriptor, diffIds: wrong }, call),
    EngineError,
  );
  assertEquals(error.code, "CONTENT_MISMATCH");
  assertEquals((await imageTree(engine, { image: "app" }, call)).layers.length, 1);
});
