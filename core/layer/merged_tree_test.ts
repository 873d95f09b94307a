import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { createBlobBox, directory, hardlink, symlink, textFile } from "../../tests/helpers/layer_parts.ts";
import { rawTree, show, treeOf } from "../../tests/helpers/merged_tree.ts";
import { member, paxMember } from "../../tests/helpers/tar_bytes.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { collect, collectText } from "../stream/collect.ts";
import { createMergedTree } from "./merged_tree.ts";

const call = createTestCall();

Deno.test("MergedTree.walk() gives paths part by part, bytewise, parents first", async () => {
  const tree = await treeOf([
    textFile("a-b", "1"),
    textFile("a/c", "2"),
    directory("a.d"),
    textFile("😀"),
    textFile("\ue000"),
  ]);
  assertEquals(await show(tree), [
    "directory a",
    "file a/c 2",
    "file a-b 1",
    "directory a.d",
    "file \ue000 ",
    "file 😀 ",
  ]);
});

Deno.test("MergedTree shows the first name that a walk meets as the file", async () => {
  const tree = await treeOf([directory("z"), textFile("z/file", "x"), hardlink("a", "z/file")]);
  assertEquals(await show(tree), ["file a x", "directory z", "hardlink z/file -> a"]);
  assertEquals(await show(tree, "z"), ["directory z", "file z/file x"]);
  assertEquals(await show(tree, ".", ["a"]), ["directory z", "file z/file x"]);
});

Deno.test("MergedTree.resolve() follows symlinks inside the root and never out of it", async () => {
  const tree = await treeOf([
    directory("a"),
    directory("a/b"),
    textFile("a/b/f"),
    symlink("up", "../../../a"),
    symlink("abs", "/a/b"),
    symlink("a/rel", "../abs/./f"),
    symlink("dangling", "a/none/x"),
    symlink("self", "."),
  ]);
  const cases = {
    "/": ".",
    "": ".",
    "..": ".",
    "../../a": "a",
    "up/b": "a/b",
    "abs/f": "a/b/f",
    "a/rel": "a/b/f",
    "a/../abs": "a/b",
    "abs/..": "a",
    "dangling": "a/none/x",
    "dangling/y": "a/none/x/y",
    "no/such/../path": "no/path",
    "self/self/a": "a",
    "/abs//f/": "a/b/f",
  };
  for (const [path, resolved] of Object.entries(cases)) assertEquals(await tree.resolve(path, call), resolved, path);
});

Deno.test("MergedTree.resolve() stops at 40 symlinks", async () => {
  const chain = Array.from({ length: 41 }, (_, i) => symlink(`l${i}`, i === 40 ? "end" : `l${i + 1}`));
  const tree = await treeOf([...chain, symlink("x", "y"), symlink("y", "x")]);
  assertEquals(await tree.resolve("l1", call), "end");
  for (const path of ["l0", "x", "y/z"]) {
    const error = await assertRejects(() => tree.resolve(path, call), EngineError);
    assertEquals([error.code, error.message], [
      "INVALID_ARGUMENT",
      `Cannot resolve path "${path}": its symlinks form a loop`,
    ]);
  }
  assertEquals((await tree.lstat("x", call))?.type, "symlink");
});

Deno.test("MergedTree.stat() follows the last part and lstat() does not", async () => {
  const tree = await treeOf([textFile("a", "text"), symlink("l", "a")]);
  const [stat, lstat] = [await tree.stat("l", call), await tree.lstat("l", call)];
  assertEquals([stat?.type, stat?.path, lstat?.type, lstat?.path], ["file", "a", "symlink", "l"]);
  for (const path of ["none", "a/b", "l/b"]) {
    assertEquals([await tree.stat(path, call), await tree.lstat(path, call)], [undefined, undefined]);
  }
});

Deno.test("MergedTree.list() sorts bytewise and follows symlinks", async () => {
  const tree = await treeOf([directory("d"), textFile("d/b"), symlink("l", "d")], [
    textFile("d/a"),
    textFile("d/😀"),
    textFile("d/\uffff"),
  ]);
  assertEquals(await tree.list("l", call), ["a", "b", "\uffff", "😀"]);
  assertEquals(
    (await assertRejects(() => tree.list("d/a", call), EngineError)).message,
    'Cannot list directory "d/a": it is not a directory',
  );
  assertEquals((await assertRejects(() => tree.list("x", call), EngineError)).code, "NOT_FOUND");
});

Deno.test("MergedTree.read() opens the layer at the content and gives exactly that", async () => {
  const box = createBlobBox();
  const layer = await box.pack(textFile("a", "first"), textFile("b", "second"), textFile("empty"), symlink("l", "b"));
  const tree = createMergedTree([layer], box.open);
  assertEquals(await collectText(await tree.read("l", call), 100), "second");
  assertEquals(box.opened, [3 * 512]);
  assertEquals(await collectText(await tree.read("empty", call), 100), "");
  assertEquals(box.opened.length, 1);
  const entry = await tree.stat("b", call);
  if (entry?.type !== "file" || entry.content instanceof Uint8Array) throw new Error("expected a content to open");
  for (const [offset, text] of [[0, "second"], [3, "ond"], [6, ""], [99, ""]] as const) {
    assertEquals(await collectText(await entry.content(offset), 100), text);
  }
  for (const path of [".", "none"]) {
    assertEquals((await assertRejects(() => tree.read(path, call), EngineError)).code, "NOT_FOUND");
  }
});

Deno.test("MergedTree.read() expands sparse files", async () => {
  const map = paxMember([["GNU.sparse.size", "16"], ["GNU.sparse.numblocks", "2"], ["GNU.sparse.map", "2,3,10,2"]]);
  const tree = await rawTree([map, member({ name: "s" }, "abcde")]);
  const whole = "\0\0abc\0\0\0\0\0de\0\0\0\0";
  assertEquals(await collectText(await tree.read("s", call), 100), whole);
  const entry = await tree.stat("s", call);
  if (entry?.type !== "file" || entry.content instanceof Uint8Array) throw new Error("expected a content to open");
  assertEquals(await collectText(await entry.content(4), 100), whole.slice(4));
  assertEquals(await tree.digest("s", {}, call), await (await treeOf([textFile("s", whole)])).digest("s", {}, call));
});

Deno.test("MergedTree.read() errors when the layer ends too early", async () => {
  const layer = await createBlobBox().pack(textFile("a", "text"));
  const tree = createMergedTree(
    [layer],
    (_, offset) => Promise.resolve(streamOf(layer.tar.subarray(offset, (offset ?? 0) + 3))),
  );
  const error = await assertRejects(async () => collect(await tree.read("a", call), 10), EngineError);
  assertEquals([error.code, error.message], [
    "CONTENT_MISMATCH",
    'Cannot read file "a": its layer ends 1 bytes too early',
  ]);
});

Deno.test("MergedTree.walk() leaves out what is excluded, but not what is re-included", async () => {
  const tree = await treeOf([
    directory("a"),
    textFile("a/x"),
    textFile("a/y"),
    directory("b"),
    textFile("b/x"),
    textFile("c"),
  ]);
  assertEquals(await show(tree, ".", ["a", "c"]), ["directory b", "file b/x "]);
  assertEquals(await show(tree, ".", ["a", "!a/y", "b/*"]), ["directory a", "file a/y ", "directory b", "file c "]);
  assertEquals(await show(tree, "a", ["y"]), ["directory a", "file a/x "]);
  assertEquals((await assertRejects(() => show(tree, "none"), EngineError)).code, "NOT_FOUND");
});

Deno.test("MergedTree.walk() does not follow a symlink it is started at", async () => {
  const tree = await treeOf([directory("a"), textFile("a/x"), symlink("l", "a"), symlink("p", ".")]);
  assertEquals(await show(tree, "l"), ["symlink l -> a"]);
  assertEquals(await show(tree, "p/a"), ["directory a", "file a/x "]);
});

Deno.test("MergedTree.digest() is of content and metadata, not of times, layers or where it lies", async () => {
  const top = (
    at: string,
    mtime = 0,
  ): LayerEntry[] => [
    directory(at, { mtime }),
    textFile(`${at}/f`, "x", { mtime }),
    hardlink(`${at}/h`, `${at}/f`),
    symlink(`${at}/l`, "f"),
  ];
  const digest = async (path: string, ...layers: readonly (readonly LayerEntry[])[]): Promise<string> =>
    (await treeOf(...layers)).digest(path, {}, call);
  const one = await digest("a", top("a"));
  assertEquals(await digest("b/c", top("b/c", 77)), one);
  assertEquals(await digest("a", [directory("a")], top("a").slice(1)), one);
  const others = [
    [...top("a"), textFile("a/more")],
    [...top("a").slice(0, 3)],
    [directory("a", { mode: 0o700 }), ...top("a").slice(1)],
    [directory("a"), textFile("a/f", "y"), hardlink("a/h", "a/f"), symlink("a/l", "f")],
    [directory("a"), textFile("a/f", "x"), textFile("a/h", "x"), symlink("a/l", "f")],
    [directory("a"), textFile("a/f", "x", { uid: 1 }), hardlink("a/h", "a/f"), symlink("a/l", "f")],
    [
      directory("a"),
      textFile("a/f", "x", { xattrs: { "user.a": new Uint8Array(0) } }),
      hardlink("a/h", "a/f"),
      symlink("a/l", "f"),
    ],
    [directory("a"), textFile("a/f", "x"), hardlink("a/h", "a/f"), symlink("a/l", "g")],
  ];
  const digests = await Promise.all(others.map((entries) => digest("a", entries)));
  assertEquals(new Set([one, ...digests]).size, others.length + 1);
  assertNotEquals(await digest("a/f", top("a")), await digest("a/l", top("a")));
  assertEquals(await digest("a/f", top("a")), await digest("a/h", top("a")));
  const tree = await treeOf([...top("a"), textFile("a/more")]);
  assertEquals(await tree.digest("a", { exclude: ["more"] }, call), one);
  assertEquals((await assertRejects(() => tree.digest("none", {}, call), EngineError)).code, "NOT_FOUND");
});

Deno.test("MergedTree rejects CANCELED when the signal has aborted", async () => {
  const tree = await treeOf([textFile("a")]);
  const aborted = createTestCall(AbortSignal.abort());
  assertEquals((await assertRejects(() => tree.digest(".", {}, aborted), EngineError)).code, "CANCELED");
  assertEquals((await assertRejects(() => Array.fromAsync(tree.walk(".", {}, aborted)), EngineError)).code, "CANCELED");
});
