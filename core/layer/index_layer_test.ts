import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { createBlobBox, directory, textFile } from "../../tests/helpers/layer_parts.ts";
import { headerBlock, member, tarEnd, tarStream } from "../../tests/helpers/tar_bytes.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { concatBytes } from "../stream/collect.ts";
import { indexLayer } from "./index_layer.ts";

const call = createTestCall();

async function describe(bytes: Uint8Array<ArrayBuffer>): Promise<Descriptor> {
  return { mediaType: "application/octet-stream", digest: await sha256(bytes), size: bytes.length };
}

Deno.test("indexLayer() gives diffID, size and index of a layer, compressed or not", async () => {
  const { tar, diffId, index } = await createBlobBox().pack(
    directory("d"),
    textFile("d/a", "x".repeat(70_000)),
    textFile("d/b"),
  );
  const half = Math.floor(tar.length / 2);
  const forms = {
    none: tar,
    gzip: new Uint8Array(gzipSync(tar)),
    zstd: new Uint8Array(concatBytes([zstdCompressSync(tar.subarray(0, half)), zstdCompressSync(tar.subarray(half))])),
  };
  for (const [compression, bytes] of Object.entries(forms)) {
    assertEquals(await indexLayer(tarStream([bytes]), await describe(bytes), call), {
      diffId,
      size: tar.length,
      compression,
      index,
    });
  }
});

Deno.test("indexLayer() takes what follows the archive's end into the diffID", async () => {
  const bytes = concatBytes([member({}, "x"), tarEnd, new Uint8Array(9000).fill(1)]);
  const indexed = await indexLayer(tarStream([bytes]), await describe(bytes), call);
  assertEquals([indexed.diffId, indexed.size, indexed.index.entries.length], [await sha256(bytes), bytes.length, 1]);
});

Deno.test("indexLayer() takes the last of several entries for one path and sorts them", async () => {
  const bytes = concatBytes([
    member({ name: "b" }, "1"),
    member({ name: "a/", type: "5" }),
    member({ name: "./b" }, "22"),
    member({ name: ".wh.c" }),
    member({ name: "a/.wh..wh..opq" }),
    member({ name: ".wh..wh.aufs" }),
    tarEnd,
  ]);
  const { index } = await indexLayer(tarStream([bytes]), await describe(bytes), call);
  assertEquals(index.entries.map((entry) => `${entry.type} ${entry.path} ${"size" in entry ? entry.size : ""}`), [
    "opaque a ",
    "directory a ",
    "file b 2",
    "whiteout c ",
  ]);
});

Deno.test("indexLayer() rejects bytes that are not those of the descriptor", async () => {
  const bytes = concatBytes([member({}, "x"), tarEnd]);
  const right = await describe(bytes);
  const wrong = [{ ...right, digest: await sha256("other") }, { ...right, size: right.size - 1 }, {
    ...right,
    size: right.size + 1,
  }];
  for (const descriptor of wrong) {
    assertEquals(
      (await assertRejects(() => indexLayer(tarStream([bytes]), descriptor, call), EngineError)).code,
      "CONTENT_MISMATCH",
    );
  }
});

Deno.test("indexLayer() rejects damaged archives, whiteouts of nothing and foreign names", async () => {
  const cases = [
    [member({}, "x").subarray(0, 700), "INVALID_ARGUMENT", "Cannot read tar archive: it is cut off after 700 bytes"],
    [member({ name: ".wh." }), "INVALID_ARGUMENT", 'Cannot read layer entry ".wh.": it is a whiteout of nothing'],
    [member({ name: "../x" }), "INVALID_ARGUMENT", 'Cannot read tar entry "../x": its name leads outside the archive'],
    [member({ name: new Uint8Array([0xff]) }), "UNSUPPORTED", 'Cannot read tar entry "\\xff": its name is not UTF-8'],
  ] as const;
  for (const [part, code, message] of cases) {
    const bytes = concatBytes([part]);
    const error = await assertRejects(
      async () => indexLayer(tarStream([bytes]), await describe(bytes), call),
      EngineError,
    );
    assertEquals([error.code, error.message], [code, message]);
  }
});

Deno.test("indexLayer() can be canceled in the middle of a hole of terabytes", async () => {
  const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;
  const size = new Uint8Array([0x80, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff]);
  const bytes = concatBytes([
    headerBlock({ type: "S", magic: "ustar  \0", at: { 386: octal(0) + octal(0), 483: size } }),
    tarEnd,
  ]);
  const controller = new AbortController();
  const indexing = indexLayer(tarStream([bytes]), await describe(bytes), createTestCall(controller.signal));
  setTimeout(() => controller.abort(), 0);
  assertEquals((await assertRejects(() => indexing, EngineError)).code, "CANCELED");
});
