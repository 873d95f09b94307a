import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { readMark, writeMark } from "./whiteout.ts";

Deno.test("readMark() and writeMark() are each other's reverse", () => {
  const names = {
    ".wh.a": ["whiteout", "a"],
    "d/.wh.a": ["whiteout", "d/a"],
    "d/e/.wh..hidden": ["whiteout", "d/e/.hidden"],
    ".wh..wh..opq": ["opaque", "."],
    "d/.wh..wh..opq": ["opaque", "d"],
  } as const;
  for (const [name, [type, path]] of Object.entries(names)) {
    assertEquals(readMark(name), { type, path });
    assertEquals(writeMark({ type, path }).path, name);
  }
});

Deno.test("readMark() gives nothing for ordinary names", () => {
  for (const path of ["a", "a.wh.b", "d/x.wh.", ".w", ".whx", "wh.a"]) assertEquals(readMark(path), undefined);
});

Deno.test("readMark() leaves out what AUFS kept for itself", () => {
  for (const path of [".wh..wh.aufs", ".wh..wh.plnk", ".wh..wh.plnk/123.456", "d/.wh..wh.orph/x", ".wh..wh."]) {
    assertEquals(readMark(path), "skip");
  }
});

Deno.test("readMark() refuses whiteouts of nothing and what lies below a whiteout", () => {
  for (const path of [".wh.", "d/.wh.", ".wh..", ".wh...", "d/.wh..."]) {
    assertThrows(() => readMark(path), EngineError, `Cannot read layer entry "${path}": it is a whiteout of nothing`);
  }
  for (const path of [".wh.d/a", "x/.wh.d/.wh.a", ".wh.d/.wh..wh..opq"]) {
    assertThrows(() => readMark(path), EngineError, `Cannot read layer entry "${path}": it lies below a whiteout`);
  }
});

Deno.test("writeMark() makes an empty file of root without a time", () => {
  assertEquals(writeMark({ type: "whiteout", path: "a" }), {
    type: "file",
    path: ".wh.a",
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: 0,
    content: new Uint8Array(0),
  });
});
