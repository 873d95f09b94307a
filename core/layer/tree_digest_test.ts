import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { directory, hardlink, textFile } from "../../tests/helpers/layer_parts.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { createTreeDigest } from "./tree_digest.ts";

const content: Digest = `sha256:${"0".repeat(64)}`;

function digest(...entries: readonly (readonly [path: string, entry: LayerEntry])[]): Promise<Digest> {
  const tree = createTreeDigest();
  for (const [path, entry] of entries) tree.add(path, entry, entry.type === "file" ? content : undefined);
  return tree.result();
}

Deno.test("createTreeDigest() gives the digest that caches have recorded", async () => {
  const file = textFile("f", "x", { xattrs: { "user.b": new Uint8Array([1]), "user.a": new Uint8Array(0) } });
  assertEquals(
    await digest(["", directory("d")], ["f", file]),
    "sha256:e75d851da14c8597ed9058eabedf947df6d6ba0b9f7b4cfb558668c2cc71aa92",
  );
});

Deno.test("createTreeDigest() takes the empty path and the root's for the same", async () => {
  assertEquals(await digest(["", directory("x")]), await digest([".", directory(".")]));
});

Deno.test("createTreeDigest() makes hard link targets relative to the top", async () => {
  const link = (top: string): Promise<Digest> =>
    digest(["a", textFile(`${top}a`)], ["b", hardlink(`${top}b`, `${top}a`)]);
  assertEquals(await link(""), await link("deep/down/"));
});

Deno.test("createTreeDigest() tells fields apart that look alike when joined", async () => {
  assertNotEquals(
    await digest(["a", textFile("a")], ["b", textFile("b")]),
    await digest(["a\nfile", textFile("a\nfile")], ["b", textFile("b")]),
  );
  const xattrs = (of: Record<string, Uint8Array>): Promise<Digest> => digest(["a", textFile("a", "", { xattrs: of })]);
  assertNotEquals(await xattrs({ "user.a": new Uint8Array(1) }), await xattrs({ "user.a": new Uint8Array(2) }));
});

Deno.test("createTreeDigest() holds stretches apart however long the tree is", async () => {
  const many = (count: number): Promise<Digest> =>
    digest(
      ...Array.from({ length: count }, (_, i) =>
        [`${String(i).padStart(6, "0")}${"x".repeat(1000)}`, directory("d")] as const),
    );
  assertEquals(await many(9000), await many(9000));
  assertNotEquals(await many(9000), await many(9001));
});

Deno.test("createTreeDigest() refuses entries out of order and files without a digest", () => {
  const tree = createTreeDigest();
  tree.add("b", directory("b"));
  assertThrows(() => tree.add("a", directory("a")), EngineError, 'Cannot digest tree: "a" comes after "b"');
  assertThrows(() => tree.add("b", directory("b")), EngineError, 'Cannot digest tree: "b" comes after "b"');
  assertThrows(() => tree.add("c", textFile("c")), EngineError, 'Cannot digest tree: file "c" has no content digest');
});
