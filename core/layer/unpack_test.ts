import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { member, tarEnd, tarStream } from "../../tests/helpers/tar_bytes.ts";
import { EngineError } from "../errors.ts";
import { concatBytes } from "../stream/collect.ts";
import { unpackLayer } from "./unpack.ts";

const call = createTestCall();

Deno.test("unpackLayer() gives whiteouts as what they mean and never as files", async () => {
  const names = ["./a", "d/.wh.b", "d/.wh..wh..opq", ".wh..wh.plnk", ".wh..wh.plnk/12.34", ".wh..wh..opq", ".wh.c"];
  const layer = gzipSync(concatBytes([...names.map((name) => member({ name })), tarEnd]));
  const found = (await Array.fromAsync(unpackLayer(tarStream([layer]), call))).flat();
  assertEquals(found.map(({ type, path }) => `${type} ${path}`), [
    "file a",
    "whiteout d/b",
    "opaque d",
    "opaque .",
    "whiteout c",
  ]);
});

Deno.test("unpackLayer() refuses a whiteout of nothing", async () => {
  const error = await assertRejects(
    () => Array.fromAsync(unpackLayer(tarStream([member({ name: "d/.wh." })]), call)),
    EngineError,
  );
  assertEquals([error.code, error.message], [
    "INVALID_ARGUMENT",
    'Cannot read layer entry "d/.wh.": it is a whiteout of nothing',
  ]);
});
