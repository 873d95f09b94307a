import { assertEquals, assertRejects } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { createBlobBox, directory, each, hardlink, mark, symlink, textFile } from "../../tests/helpers/layer_parts.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { sha256 } from "../oci/digest.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { collect } from "../stream/collect.ts";
import { readTar } from "../tar/read.ts";
import { indexLayer } from "./index_layer.ts";
import { packLayer } from "./pack.ts";
import { unpackLayer } from "./unpack.ts";

const call = createTestCall();

async function refused(message: string, ...entries: readonly LayerEntry[]): Promise<void> {
  const error = await assertRejects(() => createBlobBox().pack(...entries), EngineError);
  assertEquals([error.code, error.message], ["INVALID_ARGUMENT", message]);
}

Deno.test("packLayer() writes whiteouts by their names and says where each content is", async () => {
  const layer = await createBlobBox().pack(
    directory("d"),
    mark("opaque", "d"),
    textFile("d/file", "text"),
    hardlink("d/twin", "d/file"),
    mark("whiteout", "gone"),
    mark("opaque", "."),
  );
  const names = (await Array.fromAsync(readTar(streamOf(layer.tar), call))).map((entry) => entry.path);
  assertEquals(names, ["d", "d/.wh..wh..opq", "d/file", "d/twin", ".wh.gone", ".wh..wh..opq"]);
  assertEquals(layer.index.entries.map(({ type, path }) => `${type} ${path}`), [
    "opaque .",
    "opaque d",
    "directory d",
    "file d/file",
    "hardlink d/twin",
    "whiteout gone",
  ]);
  const file = layer.index.entries.find((entry) => entry.type === "file");
  assertEquals(file?.digest, await sha256("text"));
  assertEquals(new TextDecoder().decode(layer.tar.subarray(file?.offset, (file?.offset ?? 0) + 4)), "text");
});

Deno.test("packLayer() and indexLayer() agree, and unpackLayer() gives back what was packed", async () => {
  const large = new Uint8Array(600_000).map((_, i) => i * 5);
  const entries: LayerEntry[] = [
    directory(".", { mode: 0o700 }),
    { ...textFile("a"), size: large.length, content: () => Promise.resolve(streamOf(large.slice())) },
    textFile("ü", "x", { xattrs: { "user.b": new Uint8Array([255]) }, uid: 70_000 }),
    symlink("l", "../x"),
    mark("whiteout", "w"),
    { type: "char", path: "z", mode: 0o600, uid: 0, gid: 0, mtime: 0, major: 1, minor: 3 },
  ];
  const { descriptor, diffId, index, tar } = await createBlobBox().pack(...entries);
  const indexed = await indexLayer(streamOf(tar), descriptor, call);
  assertEquals(indexed, { diffId, size: tar.length, compression: "none", index });
  const back: LayerEntry[] = [];
  for await (const batch of unpackLayer(streamOf(tar), call)) {
    for (const entry of batch) {
      if (entry.type !== "file" || entry.content instanceof Uint8Array) back.push(entry);
      else back.push({ ...entry, content: await collect(await entry.content(), entry.size) });
    }
  }
  assertEquals(back, entries.map((entry) => entry.path === "a" ? { ...entry, content: large } : entry));
});

Deno.test("packLayer() cuts times to whole seconds and to the source date", async () => {
  const times = [1.9, -0.5, 100, 50.5];
  const entries = times.map((mtime, i) => textFile(`f${i}`, "", { mtime }));
  const store = {
    ingest: async (content: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<never> => {
      const found = await Array.fromAsync(readTar(content, call));
      throw new EngineError("INTERNAL", found.map((entry) => "mtime" in entry ? entry.mtime : "").join(" "));
    },
  };
  await assertRejects(() => packLayer(each(entries), { store }, call), EngineError, "1 -1 100 50");
  await assertRejects(() => packLayer(each(entries), { store, sourceDateEpoch: 50 }, call), EngineError, "1 -1 50 50");
});

Deno.test("packLayer() gives equal layers for equal entries", async () => {
  const entries = (): LayerEntry[] => [
    directory("d"),
    textFile("d/ü", "x", { xattrs: { "user.b": new Uint8Array(1), "user.a": new Uint8Array(2) } }),
  ];
  const [a, b] = [await createBlobBox().pack(...entries()), await createBlobBox().pack(...entries())];
  assertEquals([a.diffId, a.index], [b.diffId, b.index]);
});

Deno.test("packLayer() refuses what breaks the contract", async () => {
  const cannot = (path: string, state: string): string => `Cannot pack layer entry "${path}": ${state}`;
  for (const path of ["/a", "a/", "../a", "a/../b", "", "./a"]) {
    await refused(cannot(path, "its path is not a normalized relative one"), textFile(path));
  }
  for (const path of [".wh.a", "d/.wh..wh..opq", ".wh.d/a"]) {
    await refused(cannot(path, "names that begin with .wh. are kept for whiteouts"), textFile(path));
  }
  await refused(cannot(".wh.a", "names that begin with .wh. are kept for whiteouts"), mark("whiteout", ".wh.a"));
  await refused(cannot(".", "the root cannot be hidden"), mark("whiteout", "."));
  await refused(cannot("a", "it comes twice"), textFile("a"), textFile("a"));
  await refused(cannot("a", "it comes twice"), directory("a"), textFile("a/b"), directory("a"));
  await refused(cannot("a", "it is whiteout twice"), mark("whiteout", "a"), mark("whiteout", "a"));
  await refused(cannot("a", "it comes after what is below it"), textFile("a/b/c"), directory("a"));
  await refused(cannot("a/b", '"a" is a symlink of the same layer'), symlink("a", "/etc"), textFile("a/b"));
  await refused(cannot("a/b/c", '"a" is a file of the same layer'), textFile("a"), textFile("a/b/c"));
  await refused(cannot("a/b", '"a" is a symlink of the same layer'), symlink("a", "/etc"), mark("whiteout", "a/b"));
  const orphan = 'it is a hard link to "b", which is no earlier file of the layer';
  await refused(cannot("a", orphan), hardlink("a", "b"), textFile("b"));
  await refused(cannot("c", orphan), directory("b"), hardlink("c", "b"));
});

Deno.test("packLayer() takes entries that hide and replace one path", async () => {
  const layer = await createBlobBox().pack(
    mark("whiteout", "a"),
    textFile("a", "new"),
    directory("b"),
    mark("opaque", "b"),
    mark("whiteout", "b/c"),
  );
  assertEquals(layer.index.entries.map(({ type }) => type), ["whiteout", "file", "opaque", "directory", "whiteout"]);
});

Deno.test("packLayer() passes on what the entries and the store throw", async () => {
  const failing = (async function* (): AsyncGenerator<LayerEntry> {
    yield textFile("a");
    throw new EngineError("STEP_FAILED", "no");
  })();
  const drain = {
    ingest: (content: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<never> =>
      collect(content, 1 << 20).then(() => Promise.reject(new EngineError("OS_FAILED", "full"))),
  };
  assertEquals(
    (await assertRejects(() => packLayer(failing, { store: drain }, call), EngineError)).code,
    "STEP_FAILED",
  );
  assertEquals(
    (await assertRejects(() => packLayer(each([textFile("a")]), { store: drain }, call), EngineError)).code,
    "OS_FAILED",
  );
});
