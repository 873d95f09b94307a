import { assertEquals } from "@std/assert";
import type { LayerEntry } from "../contract/layer.ts";
import { entryAnswer } from "./tree_questions.ts";

const meta = { path: "a", mode: 0o644, uid: 1, gid: 2, mtime: 3 };

Deno.test("entryAnswer() says what an entry is but for its time, and opens no file", () => {
  const file: LayerEntry = {
    ...meta,
    type: "file",
    size: 5,
    get content(): Uint8Array<ArrayBuffer> {
      throw new TypeError("it is opened");
    },
  };
  assertEquals(entryAnswer(file), '{"path":"a","type":"file","mode":420,"uid":1,"gid":2,"size":5}');
  assertEquals(entryAnswer({ ...meta, mtime: 9, type: "file", size: 5, content: new Uint8Array() }), entryAnswer(file));
  assertEquals(entryAnswer(undefined), "null");
});

Deno.test("entryAnswer() tells entries apart by kind, target, device and attributes", () => {
  const entries: readonly LayerEntry[] = [
    { ...meta, type: "directory" },
    { ...meta, type: "directory", xattrs: { "user.a": new Uint8Array([1]) } },
    { ...meta, type: "symlink", target: "b" },
    { ...meta, type: "symlink", target: "c" },
    { ...meta, type: "hardlink", target: "b" },
    { ...meta, type: "fifo" },
    { ...meta, type: "char", major: 1, minor: 2 },
    { ...meta, type: "char", major: 1, minor: 3 },
    { type: "whiteout", path: "a" },
    { type: "opaque", path: "a" },
  ];
  assertEquals(new Set(entries.map(entryAnswer)).size, entries.length);
});
