import { assertEquals } from "@std/assert";
import { type IndexEntry, LayerIndexBuilder } from "./layer_index.ts";

const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

function file(path: string, offset = 0): IndexEntry {
  return { ...meta, type: "file", path, size: 1, offset, digest: "sha256:00" };
}

function link(path: string, target: string): IndexEntry {
  return { ...meta, type: "hardlink", path, target };
}

function build(...entries: readonly IndexEntry[]): string[] {
  const builder = new LayerIndexBuilder();
  for (const entry of entries) builder.add(entry);
  return builder.result().entries.map((entry) => {
    const fact = entry.type === "hardlink" ? entry.target : entry.type === "file" ? entry.offset : "";
    return `${entry.type} ${entry.path} ${fact}`.trim();
  });
}

Deno.test("LayerIndexBuilder sorts as a walk does, marks before the entry of their path", () => {
  const directory: IndexEntry = { ...meta, type: "directory", path: "b" };
  const found = build(file("b/a"), file("b-"), directory, { type: "whiteout", path: "b" }, {
    type: "opaque",
    path: "b",
  }, file("a"));
  assertEquals(found, ["file a 0", "opaque b", "whiteout b", "directory b", "file b/a 0", "file b- 0"]);
});

Deno.test("LayerIndexBuilder keeps the last of several entries, and each mark once", () => {
  assertEquals(build(file("a", 1), { type: "whiteout", path: "a" }, file("a", 2), { type: "whiteout", path: "a" }), [
    "whiteout a",
    "file a 2",
  ]);
});

Deno.test("LayerIndexBuilder makes links to links links to the file", () => {
  assertEquals(build(file("c", 1), link("b", "c"), link("a", "b")), ["hardlink a c", "hardlink b c", "file c 1"]);
});

Deno.test("LayerIndexBuilder hands a replaced file to the first of its other names", () => {
  assertEquals(build(file("a", 1), link("c", "a"), link("b", "a"), file("a", 2)), [
    "file a 2",
    "hardlink b c",
    "file c 1",
  ]);
  assertEquals(build(file("a", 1), link("b", "a"), file("b", 2), file("a", 3)), ["file a 3", "file b 2"]);
});

Deno.test("LayerIndexBuilder drops what lay in a directory that something else replaces", () => {
  const directory: IndexEntry = { ...meta, type: "directory", path: "d" };
  assertEquals(build(directory, file("d/a", 1), file("d/b", 2), link("l", "d/b"), file("d-", 4), file("d", 3)), [
    "file d 3",
    "file d- 4",
    "file l 2",
  ]);
  assertEquals(build(directory, file("d/a", 1), directory), ["directory d", "file d/a 1"]);
});

Deno.test("LayerIndexBuilder hides what is below a directory when it comes after a file of its path", () => {
  const directory: IndexEntry = { ...meta, type: "directory", path: "d" };
  assertEquals(build(file("d", 1), directory, file("d/a", 2)), ["opaque d", "directory d", "file d/a 2"]);
  assertEquals(build(directory, file("d", 1), directory), ["opaque d", "directory d"]);
});

Deno.test("LayerIndexBuilder keeps a file when a hard link to itself comes after it", () => {
  assertEquals(build(file("a", 1), link("b", "a"), link("a", "a")), ["file a 1", "hardlink b a"]);
});
