/** The tar codec with what nobody would think of; a failing seed is printed by fast-check and becomes a case of its own. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { LayerEntry } from "../../core/contract/layer.ts";
import { isEngineError } from "../../core/errors.ts";
import { collect, concatBytes } from "../../core/stream/collect.ts";
import { comparePaths } from "../../core/layer/path_order.ts";
import { indexLayer } from "../../core/layer/index_layer.ts";
import { createMergedTree } from "../../core/layer/merged_tree.ts";
import { decodeLayerIndex, encodeLayerIndex } from "../../core/layer/index_codec.ts";
import { streamOf } from "../../core/stream/byte_stream.ts";
import { hashBytes } from "../../core/stream/hash_stream.ts";
import { isNormalized } from "../../core/tar/name.ts";
import { readPaxRecords, writePaxRecords } from "../../core/tar/pax.ts";
import { readTar } from "../../core/tar/read.ts";
import { writeTar } from "../../core/tar/write.ts";
import { createTestCall } from "../helpers/build_fixture.ts";
import { each } from "../helpers/layer_parts.ts";
import { headerBlock, member, paxMember, tarEnd, tarStream } from "../helpers/tar_bytes.ts";

const call = createTestCall();
const options = { seed: 20_240_601, numRuns: 300 };

const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
  fc.string({ minLength: 90, maxLength: 160, unit: fc.constantFrom("a", "b", "ä") }),
).map((text) => text.replaceAll(/[/\0]/g, "_")).filter((text) => text !== "." && text !== "..");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.uint8Array({ maxLength }).map((value) => new Uint8Array(value));
const meta = fc.record({
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 0xffffffff })),
  gid: fc.integer({ min: 0, max: 0xffffffff }),
  mtime: fc.oneof(
    fc.integer({ min: -(2 ** 34), max: 2 ** 36 }),
    fc.integer({ min: -(2 ** 40), max: 2 ** 41 }).map((time) => time / 1024),
  ),
});
const xattrs = fc.option(
  fc.dictionary(fc.stringMatching(/^user\.[a-z._]{1,9}$/), bytes(40), { minKeys: 1, maxKeys: 3 }),
  { nil: undefined },
);
const target = fc.string({ minLength: 1, maxLength: 130, unit: "grapheme" }).map((text) => text.replaceAll("\0", "_"));
const major = fc.integer({ min: 0, max: 0o7777777 });

const entry: fc.Arbitrary<LayerEntry> = fc.tuple(meta, xattrs).chain(([facts, attributes]) => {
  const base = attributes === undefined ? facts : { ...facts, xattrs: Object.fromEntries(Object.entries(attributes)) };
  return fc.oneof(
    bytes(3000).map((content): LayerEntry => ({ ...base, type: "file", size: content.length, content })),
    fc.constantFrom("directory" as const, "fifo" as const).map((type): LayerEntry => ({ ...base, type })),
    target.map((to): LayerEntry => ({ ...base, type: "symlink", target: to })),
    path.map((to): LayerEntry => ({ ...base, type: "hardlink", target: to })),
    fc.tuple(fc.constantFrom("char" as const, "block" as const), major, major)
      .map(([type, a, b]): LayerEntry => ({ ...base, type, major: a, minor: b })),
  );
}).filter((found) => isNormalized(found.path));

Deno.test("readTar() gives back every entry that writeTar() wrote, whatever the chunks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 8 }),
      fc.integer({ min: 1, max: 3000 }),
      async (entries, chunkBytes) => {
        const tar = await collect(writeTar(each(entries), call), 1 << 26);
        assertEquals(tar.length % 512, 0);
        assertEquals(await Array.fromAsync(readTar(tarStream([tar], chunkBytes), call)), entries);
        assertEquals(await collect(writeTar(readTar(streamOf(tar), call), call), 1 << 26), tar);
      },
    ),
    options,
  );
});

Deno.test("readPaxRecords() gives back what writePaxRecords() wrote, and throws nothing but EngineError", () => {
  const key = fc.stringMatching(/^[A-Za-z.]{1,20}$/);
  fc.assert(
    fc.property(fc.dictionary(key, bytes(1200), { maxKeys: 5 }), (records) => {
      const sorted = Object.entries(records).sort(([a], [b]) => (a < b ? -1 : 1));
      assertEquals(readPaxRecords(writePaxRecords(Object.entries(records))), sorted);
    }),
    options,
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("1", "2", "9", " ", "=", "\n", "a"), maxLength: 40 }),
      (text) => throwsOnlyEngineErrors(() => readPaxRecords(new TextEncoder().encode(text))),
    ),
    options,
  );
});

function throwsOnlyEngineErrors(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!isEngineError(error) || error.code === "INTERNAL") throw error;
  }
}

/** Archives that are nearly right: real headers with fields of the wrong kind, and bytes changed. */
const fieldText = fc.oneof(
  fc.stringMatching(/^[0-7 ]{0,12}$/),
  fc.string({ maxLength: 12 }),
  fc.constantFrom("77777777777", "\x80\0\0\0\0\0\0\0\0\0\0\x01", "\xff\xff"),
);
const hostilePart = fc.oneof(
  fc.record({
    name: fc.oneof(
      path,
      fc.constantFrom("../a", "/a", "a/../..", "./", "a/", ".wh.a", ".wh..wh..opq", "d/.wh.", "d", "d/a"),
    ),
    type: fc.constantFrom("0", "1", "2", "3", "5", "6", "7", "S", "V", "\0", "D", "M", "Z"),
    link: fc.constantFrom("", "a", "../a", "d/a", "d", "/"),
    size: fc.oneof(fc.integer({ min: 0, max: 2000 }), fieldText),
    at: fc.constantFrom({}, { 386: "00000000000\x0000000000005\0", 483: "00000000020\0" }, { 482: "\x01" }),
  }).map((fields) => {
    const { name: long, ...rest } = fields;
    return typeof rest.size === "number"
      ? member({ ...rest, name: long.slice(0, 90) }, "x".repeat(rest.size))
      : headerBlock({ ...rest, name: long.slice(0, 90), size: rest.size });
  }),
  fc.array(
    fc.tuple(
      fc.constantFrom(
        "path",
        "linkpath",
        "size",
        "uid",
        "mtime",
        "GNU.sparse.map",
        "GNU.sparse.major",
        "GNU.sparse.realsize",
        "GNU.sparse.numblocks",
        "GNU.sparse.offset",
        "GNU.sparse.numbytes",
      ),
      fc.oneof(fieldText, path, fc.constantFrom("0,1", "1", "5", "")),
    ),
    { maxLength: 4 },
  )
    .chain((records) => fc.constantFrom("x", "g").map((type) => paxMember(records, type))),
  fc.tuple(fc.constantFrom("L", "K"), path).map(([type, long]) => member({ type }, long)),
  fc.constant(new Uint8Array(512)),
);
const hostile = fc.tuple(
  fc.array(hostilePart, { maxLength: 10 }),
  fc.option(fc.tuple(fc.nat(), fc.nat(255)), { nil: undefined }),
).map(([parts, change]) => {
  const whole = concatBytes([...parts, tarEnd]);
  if (change !== undefined) whole[change[0] % whole.length] = change[1];
  return whole;
});

async function readAll(bytes: Uint8Array<ArrayBuffer>, chunkBytes: number): Promise<unknown[]> {
  const found: unknown[] = [];
  try {
    for await (const item of readTar(tarStream([bytes], chunkBytes), call)) {
      assertEquals(isNormalized(item.path), true);
      if (item.type === "file" && !(item.content instanceof Uint8Array)) await (await item.content()).cancel();
      found.push(item.path, item.type);
    }
  } catch (error) {
    if (!isEngineError(error) || error.code === "INTERNAL") throw error;
    found.push(error.message);
  }
  return found;
}

Deno.test("readTar() reads or refuses hostile archives, the same way whatever the chunks", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, fc.integer({ min: 1, max: 2000 }), async (archive, chunkBytes) => {
      assertEquals(await readAll(archive, chunkBytes), await readAll(archive, 1 << 20));
    }),
    { ...options, numRuns: 1000 },
  );
});

Deno.test("indexLayer() and the merged tree read or refuse hostile layers, in order and without loss", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 3 }), async (layers) => {
      try {
        const parts = [];
        for (const tar of layers) {
          const descriptor = { mediaType: "application/octet-stream", digest: hashBytes(tar), size: tar.length };
          const { diffId, index } = await indexLayer(streamOf(tar), descriptor, call);
          assertEquals(decodeLayerIndex(encodeLayerIndex(index)), index);
          parts.push({ descriptor, diffId, index });
        }
        const tree = createMergedTree(
          parts,
          (descriptor, offset = 0) =>
            Promise.resolve(
              streamOf((layers.find((tar) => hashBytes(tar) === descriptor.digest) ?? tarEnd).subarray(offset)),
            ),
        );
        let last: string | undefined;
        for await (const found of tree.walk(".", {}, call)) {
          assertEquals(last === undefined || comparePaths(last, found.path) < 0, true);
          last = found.path;
          if (found.type === "file" && found.size < 1 << 20) {
            assertEquals((await collect(await tree.read(found.path, call), 1 << 20)).length, found.size);
          }
        }
        await tree.digest(".", {}, call);
      } catch (error) {
        if (!isEngineError(error) || error.code === "INTERNAL") throw error;
      }
    }),
    { ...options, numRuns: 1000 },
  );
});
