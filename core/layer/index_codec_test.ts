import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { decodeLayerIndex, encodeLayerIndex } from "./index_codec.ts";
import type { IndexEntry, LayerIndex } from "./layer_index.ts";

const meta = { mode: 0o644, uid: 1, gid: 2, mtime: 3.5 };
const digest = `sha256:${"ab".repeat(32)}` as const;

const index: LayerIndex = {
  entries: [
    { type: "opaque", path: "." },
    { ...meta, type: "directory", path: "." },
    { ...meta, type: "block", path: "b", major: 8, minor: 1 },
    { ...meta, type: "char", path: "c", major: 1, minor: 3, xattrs: { "user.c": new Uint8Array([1, 2, 255]) } },
    { ...meta, type: "file", path: "f", size: 9, offset: 512, digest },
    { ...meta, type: "fifo", path: "p" },
    { ...meta, type: "file", path: "s", size: 9, offset: 1536, digest, sparse: [[0, 1], [5, 2]], xattrs: {} },
    { ...meta, type: "hardlink", path: "t", target: "f" },
    { ...meta, type: "symlink", path: "u", target: "../ü" },
    { type: "whiteout", path: "w" },
  ],
};

Deno.test("decodeLayerIndex() reads back what encodeLayerIndex() wrote", () => {
  assertEquals(decodeLayerIndex(encodeLayerIndex(index)), index);
  assertEquals(decodeLayerIndex(encodeLayerIndex({ entries: [] })), { entries: [] });
});

Deno.test("encodeLayerIndex() gives equal bytes whatever the order of attributes", () => {
  const of = (xattrs: Record<string, Uint8Array>): Uint8Array =>
    encodeLayerIndex({ entries: [{ ...meta, type: "fifo", path: "p", xattrs }] });
  assertEquals(of({ a: new Uint8Array(1), b: new Uint8Array(2) }), of({ b: new Uint8Array(2), a: new Uint8Array(1) }));
});

Deno.test("decodeLayerIndex() refuses anything else", () => {
  const good = JSON.parse(new TextDecoder().decode(encodeLayerIndex(index))) as Record<string, unknown>;
  const bad: unknown[] = [null, [], {}, { ...good, version: 2 }, { ...good, types: "z".repeat(10) }, {
    ...good,
    paths: [1],
  }];
  for (const column of ["modes", "mtimes", "sizes", "offsets", "devices", "targets"]) {
    bad.push({ ...good, [column]: [] }, { ...good, [column]: ["1", null] });
  }
  bad.push({ ...good, digests: "ab" }, { ...good, sparse: { 6: [[1]] } }, { ...good, sparse: [] }, {
    ...good,
    xattrs: { 3: { "user.c": "*" } },
  }, { ...good, xattrs: { 3: 1 } });
  for (const value of bad) {
    const error = assertThrows(() => decodeLayerIndex(new TextEncoder().encode(JSON.stringify(value))), EngineError);
    assertEquals([error.code, error.message], ["CONTENT_MISMATCH", "Cannot read layer index: it is malformed"]);
  }
  for (const bytes of [new Uint8Array(0), new Uint8Array([0xff, 0xfe]), new TextEncoder().encode("{")]) {
    assertThrows(() => decodeLayerIndex(bytes), EngineError);
  }
});

Deno.test("decodeLayerIndex() reads 20,000 entries in a small part of a second", () => {
  const entries = Array.from(
    { length: 20_000 },
    (_, i): IndexEntry => ({
      ...meta,
      type: "file",
      path: `some/directory/file${i}`,
      size: i,
      offset: i * 512,
      digest,
    }),
  );
  const bytes = encodeLayerIndex({ entries });
  assertEquals(decodeLayerIndex(bytes).entries.length, 20_000);
});
