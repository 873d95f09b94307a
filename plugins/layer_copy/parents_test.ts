import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { showCopy } from "../../tests/helpers/copy_step.ts";
import { directory, file, files, hardlink, symlink } from "../../tests/helpers/memory_tree.ts";

const source = [
  directory("t/a", { mode: 0o700 }),
  ...files({
    "t/a/b/c/d/e/bay": "1",
    "t/a/b/c/d/foo": "2",
    "t/a/b2/c/d/e/bar": "3",
    "t/a/b/c2/d/e/baz": "4",
    "t/a/b/c2/d/e2/baz": "5",
    "x.txt": "6",
  }),
  symlink("link", "t/a"),
];

async function shown(...from: string[]): Promise<string[]> {
  return await showCopy({ source, from, to: "/out/", args: { parents: true } });
}

const top = ["directory out", "directory out/t", "directory out/t/a 700"];

Deno.test("copy --parents keeps the folders that lead to a source, with their metadata", async () => {
  const all = [...top, "directory out/t/a/b", "directory out/t/a/b/c", "directory out/t/a/b/c/d"];
  const below = ["directory out/t/a/b/c/d/e", "file out/t/a/b/c/d/e/bay = 1", "file out/t/a/b/c/d/foo = 2"];
  for (const from of ["/t/a/b/c/d", "./t/a/b/c/d", "t/a/b/c/d/."]) {
    assertEquals(await shown(from), [...all, ...below], from);
  }
  assertEquals(await shown("x.txt"), ["directory out", "file out/x.txt = 6"]);
});

Deno.test("copy --parents counts folders from the pivot when there is one", async () => {
  const d = ["directory out/c/d", "directory out/c/d/e"];
  assertEquals(await shown("/t/a/b/./c/d"), [
    "directory out",
    "directory out/c",
    ...d,
    "file out/c/d/e/bay = 1",
    "file out/c/d/foo = 2",
  ]);
  assertEquals(await shown("/t/a/b2/./c/./d/e"), ["directory out", "directory out/c", ...d, "file out/c/d/e/bar = 3"]);
  assertEquals(await shown("link/b2/./c/d/e/bar"), [
    "directory out",
    "directory out/c",
    ...d,
    "file out/c/d/e/bar = 3",
  ]);
  assertEquals(await shown("t/a/b2/./"), ["directory out", "directory out/c", ...d, "file out/c/d/e/bar = 3"]);
});

Deno.test("copy --parents takes wildcards on both sides of the pivot, also across folders", async () => {
  const files = async (...from: string[]): Promise<string[]> =>
    (await shown(...from)).filter((line) => line.startsWith("file"));
  assertEquals(await files("t/a/*/c"), [
    "file out/t/a/b/c/d/e/bay = 1",
    "file out/t/a/b/c/d/foo = 2",
    "file out/t/a/b2/c/d/e/bar = 3",
  ]);
  assertEquals(await files("t/a/b*/./c/**/e"), ["file out/c/d/e/bar = 3", "file out/c/d/e/bay = 1"]);
  assertEquals(await files("t/a/b/c*/./d/**/baz", "t/a/b*/./c/**/bar"), [
    "file out/c/d/e/bar = 3",
    "file out/d/e/baz = 4",
    "file out/d/e2/baz = 5",
  ]);
  assertEquals(await shown("t/a/b9*/c"), ["directory out"]);
  assertEquals(await shown("t/a/b/./c9*"), ["directory out"]);
  assertEquals(await shown("gone/*"), ["directory out"]);
});

Deno.test("copy --parents rejects NOT_FOUND when a path without wildcards is absent or behind a link", async () => {
  for (const path of ["t/gone", "t/a/./gone", "gone/./x", "link/b", "x.txt/./y", "x.txt/y"]) {
    assertEquals((await assertRejects(() => shown(path), EngineError)).code, "NOT_FOUND", path);
  }
});

Deno.test("copy --parents leaves folders that are there as they are, and copies links as links", async () => {
  const base = [directory("out/t/a", { mode: 0o711 })];
  const step = { source, base, from: ["t/a/b2/c/d/e/bar"], to: "/out", args: { parents: true } };
  assertEquals((await showCopy(step))[0], "directory out/t/a/b2");
  assertEquals(await showCopy({ ...step, from: ["link"] }), ["symlink out/link -> t/a"]);
});

Deno.test("copy --parents applies --exclude relative to the pivot", async () => {
  const step = { source, from: ["t/a/b/./c"], to: "/o/", args: { parents: true, exclude: ["c/d/e", "**/nothing"] } };
  assertEquals(await showCopy(step), ["directory o", "directory o/c", "directory o/c/d", "file o/c/d/foo = 2"]);
});

Deno.test("copy --parents keeps hard links between what it copies", async () => {
  const linked = [file("d/a", "A"), hardlink("d/b", "d/a"), hardlink("d/c", "d/a")];
  const step = { source: linked, from: ["d/[bc]"], to: "/", args: { parents: true } };
  assertEquals(await showCopy(step), ["directory d", "file d/b = A", "hardlink d/c -> d/b"]);
  assertEquals((await showCopy({ ...step, from: ["d"] })).slice(1), [
    "file d/a = A",
    "hardlink d/b -> d/a",
    "hardlink d/c -> d/a",
  ]);
});
