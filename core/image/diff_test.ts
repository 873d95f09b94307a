import { assertEquals } from "@std/assert";
import { putImage } from "../../tests/helpers/image_fixture.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { diffImages } from "./diff.ts";
import { imageTree } from "./tree.ts";

const call = testCall();

Deno.test("diffImages() tells added, modified and removed paths when layers differ", async () => {
  await using engine = await createTempEngine();
  const base = { "etc/a": "one", "etc/b": "two", "old/x": "1", same: "s" };
  await putImage(engine.store, { layers: [base], names: ["a"] }, call);
  await putImage(
    engine.store,
    { layers: [base, { "etc/a": "longer", old: null, "new/file": "12345" }], names: ["b"] },
    call,
  );
  const { rows, summary } = await diffImages(engine, { from: "a", to: "b" }, call);
  assertEquals(rows.map(({ change, path, delta }) => `${change} ${path} ${delta}`), [
    "modified /etc/a 3",
    "added /new 0",
    "added /new/file 5",
    "removed /old 0",
    "removed /old/x -1",
  ]);
  assertEquals(summary, { added: 2, modified: 1, removed: 2, delta: 7 });
  assertEquals((await diffImages(engine, { from: "b", to: "b" }, call)).rows, []);
});

Deno.test("diffImages() finds no difference when the same files come in other layers or compressed", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "1", b: "2" }], names: ["one"] }, call);
  await putImage(engine.store, { layers: [{ a: "x" }, { a: "1" }, { b: "2" }], names: ["three"], gzip: true }, call);
  assertEquals((await diffImages(engine, { from: "one", to: "three" }, call)).rows, []);
});

Deno.test("imageTree() lists the files of each layer and the bytes that are hidden", async () => {
  await using engine = await createTempEngine();
  const layers = [{ "d/a": "1234", "d/b": "12" }, { "d/a": "123456" }, { "d/b": null }];
  await putImage(engine.store, { layers, names: ["app"] }, call);
  const tree = await imageTree(engine, { image: "app" }, call);
  const files = tree.layers.map((layer) => layer.files.map(({ path, type, wasted }) => `${type} ${path} ${wasted}`));
  assertEquals(files, [
    ["directory /d 0", "file /d/a 4", "file /d/b 2"],
    ["directory /d 0", "file /d/a 0"],
    ["directory /d 0", "whiteout /d/b 0"],
  ]);
  assertEquals([tree.total, tree.wasted, tree.efficiency], [12, 6, 0.5]);
  assertEquals(tree.layers.map(({ createdBy }) => createdBy), ["COPY 0 /", "COPY 1 /", "COPY 2 /"]);
});
