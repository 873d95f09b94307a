import { assertEquals, assertRejects } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { directory, hardlink, mark, symlink, textFile } from "../../tests/helpers/layer_parts.ts";
import { rawTree, show, treeOf } from "../../tests/helpers/merged_tree.ts";
import { member } from "../../tests/helpers/tar_bytes.ts";
import { EngineError } from "../errors.ts";
import { collectText } from "../stream/collect.ts";

const call = createTestCall();

Deno.test("applyLayer() hides lower paths by whiteouts, and only lower ones", async () => {
  const below = [directory("d", { mode: 0o700 }), textFile("d/a", "old"), textFile("d/b", "old"), textFile("e", "old")];
  const tree = await treeOf(below, [
    textFile("d/a", "new"),
    mark("whiteout", "d/a"),
    mark("whiteout", "e"),
    mark("whiteout", "none"),
  ]);
  assertEquals(await show(tree), ["directory d", "file d/a new", "file d/b old"]);
  assertEquals((await tree.stat("d", call))?.type === "directory" && await tree.stat("e", call), undefined);
});

Deno.test("applyLayer() hides all lower siblings by an opaque mark wherever it stands", async () => {
  const below = [directory("d"), textFile("d/a", "old"), directory("d/s"), textFile("d/s/x", "old")];
  const first = [directory("d"), mark("opaque", "d"), textFile("d/b", "new"), directory("d/s")];
  const last = [directory("d"), textFile("d/b", "new"), directory("d/s"), mark("opaque", "d")];
  for (const above of [first, last]) {
    assertEquals(await show(await treeOf(below, above)), ["directory d", "file d/b new", "directory d/s"]);
  }
  assertEquals(await show(await treeOf(below, [mark("opaque", "."), textFile("only")])), ["file only "]);
});

Deno.test("applyLayer() merges a directory over a directory and replaces everything else", async () => {
  const below = [
    directory("dd"),
    textFile("dd/old"),
    directory("df"),
    textFile("df/old"),
    textFile("fd"),
    symlink("ld", "dd"),
    symlink("lf", "fd"),
  ];
  const above = [
    directory("dd", { mode: 0o700 }),
    textFile("dd/new"),
    textFile("df"),
    directory("fd"),
    directory("ld"),
    textFile("ld/in"),
    textFile("lf", "x"),
  ];
  const tree = await treeOf(below, above);
  assertEquals(await show(tree), [
    "directory dd",
    "file dd/new ",
    "file dd/old ",
    "file df ",
    "directory fd",
    "directory ld",
    "file ld/in ",
    "file lf x",
  ]);
  const dd = await tree.lstat("dd", call);
  assertEquals(dd?.type === "directory" && dd.mode, 0o700);
});

Deno.test("applyLayer() puts an entry whose parent is a symlink where the symlink leads", async () => {
  const below = [
    directory("usr"),
    directory("usr/lib"),
    symlink("lib", "usr/lib"),
    symlink("abs", "/usr/lib"),
    symlink("out", "../../usr"),
  ];
  const tree = await treeOf(below, [
    textFile("lib/a"),
    textFile("abs/b"),
    textFile("out/c"),
    mark("whiteout", "lib/none"),
  ]);
  assertEquals(await show(tree, "usr"), [
    "directory usr",
    "file usr/c ",
    "directory usr/lib",
    "file usr/lib/a ",
    "file usr/lib/b ",
  ]);
  assertEquals(await treeOf(below, [mark("whiteout", "out/lib")]).then((each) => show(each, "usr")), ["directory usr"]);
});

Deno.test("applyLayer() makes parents that no layer has, as root's and 0755", async () => {
  const tree = await treeOf([textFile("a/b/c")]);
  assertEquals(await tree.stat("a/b", call), { type: "directory", path: "a/b", mode: 0o755, uid: 0, gid: 0, mtime: 0 });
});

Deno.test("applyLayer() takes the root's own metadata", async () => {
  assertEquals(await (await treeOf([])).stat("/", call), {
    type: "directory",
    path: ".",
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: 0,
  });
  assertEquals(await (await treeOf([directory(".", { mode: 0o1777, uid: 5 })])).stat(".", call), {
    type: "directory",
    path: ".",
    mode: 0o1777,
    uid: 5,
    gid: 0,
    mtime: 0,
  });
});

Deno.test("applyLayer() keeps a file under its other names when one name changes or goes", async () => {
  const below = [textFile("a", "old"), hardlink("b", "a"), hardlink("c", "a")];
  assertEquals(await show(await treeOf(below)), ["file a old", "hardlink b -> a", "hardlink c -> a"]);
  assertEquals(await show(await treeOf(below, [textFile("a", "new")])), [
    "file a new",
    "file b old",
    "hardlink c -> b",
  ]);
  assertEquals(await show(await treeOf(below, [mark("whiteout", "a"), mark("whiteout", "b")])), ["file c old"]);
  const tree = await treeOf(below);
  const b = await tree.lstat("b", call);
  assertEquals([b?.type, b?.path, await collectText(await tree.read("b", call), 10)], ["file", "b", "old"]);
});

Deno.test("applyLayer() follows hard links into lower layers, also to what the same layer hides", async () => {
  const below = [member({ name: "a" }, "old"), member({ name: "d/", type: "5" })];
  assertEquals(await show(await rawTree(below, [member({ name: "b", type: "1", link: "a" })])), [
    "file a old",
    "hardlink b -> a",
    "directory d",
  ]);
  const moved = [member({ name: ".wh.a" }), member({ name: "d/b", type: "1", link: "a" })];
  assertEquals(await show(await rawTree(below, moved)), ["directory d", "file d/b old"]);
  for (const [link, name] of [["none", "b"], ["d", "b"], ["b", "b"]] as const) {
    const tree = await rawTree(below, [member({ name, type: "1", link })]);
    const error = await assertRejects(() => tree.stat("a", call), EngineError);
    assertEquals([error.code, error.message], [
      "INVALID_ARGUMENT",
      `Cannot read layer entry "b": it is a hard link to "${link}", which is no file`,
    ]);
  }
});

Deno.test("applyLayer() takes the last of several entries for one path, and links keep the file they were made for", async () => {
  const file = (name: string, text: string): Uint8Array => member({ name }, text);
  const link = (name: string, target: string): Uint8Array => member({ name, type: "1", link: target });
  assertEquals(await show(await rawTree([file("a", "1"), file("a", "2")])), ["file a 2"]);
  assertEquals(await show(await rawTree([file("a", "1"), link("b", "a"), link("c", "b"), file("a", "2")])), [
    "file a 2",
    "file b 1",
    "hardlink c -> b",
  ]);
  assertEquals(await show(await rawTree([file("a", "1"), link("b", "a"), link("a", "b")])), [
    "file a 1",
    "hardlink b -> a",
  ]);
  assertEquals(
    await show(await rawTree([member({ name: "d", type: "5" }), file("d/a", "1"), link("b", "d/a"), file("d", "x")])),
    ["file b 1", "file d x"],
  );
});

Deno.test("applyLayer() refuses layers in which something lies in a file", async () => {
  const tree = await rawTree([member({ name: "a" })], [member({ name: "a/b" })]);
  const error = await assertRejects(() => tree.list(".", call), EngineError);
  assertEquals([error.code, error.message], [
    "INVALID_ARGUMENT",
    'Cannot read layer entry "a/b": what it lies in is not a directory',
  ]);
});
