import { assertEquals, assertRejects } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { headerBlock, type HeaderFields, member, paxMember, tarEnd, tarStream } from "../../tests/helpers/tar_bytes.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { streamFrom } from "../stream/byte_stream.ts";
import { collect } from "../stream/collect.ts";
import { readTar } from "./read.ts";

const call = createTestCall();
const text = new TextDecoder();

async function read(...parts: readonly Uint8Array[]): Promise<LayerEntry[]> {
  const whole = await Array.fromAsync(readTar(tarStream([...parts, tarEnd], 1 << 20), call));
  const pieces = await Array.fromAsync(readTar(tarStream([...parts, tarEnd], 211), call));
  assertEquals(whole, pieces);
  return whole;
}

async function readOne(...parts: readonly Uint8Array[]): Promise<LayerEntry> {
  const entries = await read(...parts);
  assertEquals(entries.length, 1);
  return entries[0] ?? { type: "whiteout", path: "none" };
}

async function contentOf(...parts: readonly Uint8Array[]): Promise<string> {
  const entry = await readOne(...parts);
  return entry.type === "file" && entry.content instanceof Uint8Array ? text.decode(entry.content) : "not in memory";
}

Deno.test("readTar() gives metadata when a header is plain ustar", async () => {
  const entry = await readOne(
    member({ name: "b", prefix: "a", mode: "0104755\0", uid: "0001750\0", mtime: "14524770400\0" }, "hi"),
  );
  assertEquals(entry, {
    type: "file",
    path: "a/b",
    mode: 0o4755,
    uid: 1000,
    gid: 0,
    mtime: 0o14524770400,
    size: 2,
    content: new TextEncoder().encode("hi"),
  });
});

Deno.test("readTar() gives every type of entry", async () => {
  const entries = await read(
    member({ name: "d/", type: "5" }),
    member({ name: "s", type: "2", link: "../x//y/" }),
    member({ name: "h", type: "1", link: "./d//f", size: 4 }),
    member({ name: "c", type: "3", major: "0000001\0", minor: "0000003\0" }),
    member({ name: "b", type: "4", major: "0000010\0", minor: "0000000\0" }),
    member({ name: "p", type: "6" }),
    member({ name: "r", type: "7" }, "contiguous"),
  );
  assertEquals(entries.map((entry) => entry.type), [
    "directory",
    "symlink",
    "hardlink",
    "char",
    "block",
    "fifo",
    "file",
  ]);
  assertEquals(entries.map((entry) => "target" in entry ? entry.target : ""), ["", "../x//y/", "d/f", "", "", "", ""]);
  assertEquals(entries.map((entry) => "major" in entry ? [entry.major, entry.minor] : 0), [
    0,
    0,
    0,
    [1, 3],
    [8, 0],
    0,
    0,
  ]);
});

Deno.test("readTar() takes a V7 header, and a file whose name ends in a slash as a directory", async () => {
  const v7: HeaderFields = {
    magic: "\0".repeat(8),
    major: "\0".repeat(8),
    minor: "\0".repeat(8),
    mode: "   644 \0",
    type: "\0",
  };
  const entries = await read(member({ ...v7, name: "file" }, "x"), member({ ...v7, name: "dir/" }));
  assertEquals(entries.map(({ type, path }) => [type, path]), [["file", "file"], ["directory", "dir"]]);
});

Deno.test("readTar() normalizes names", async () => {
  const names = ["./", "./a", "/b", "c//d/./e", "f/../g", "//h//", "i/"];
  const entries = await read(...names.map((name) => member({ name, type: "5" })));
  assertEquals(entries.map((entry) => entry.path), [".", "a", "b", "c/d/e", "g", "h", "i"]);
});

Deno.test("readTar() takes PAX records over header fields", async () => {
  const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
  const entry = await readOne(
    paxMember([
      ["path", "ä/" + "n".repeat(300)],
      ["uid", "3000000"],
      ["gid", "4294967294"],
      ["mtime", "-1.5"],
      ["size", "5"],
      ["SCHILY.xattr.user.b", binary],
      ["SCHILY.xattr.user.empty", ""],
      ["comment", "ignored"],
    ]),
    member({ name: "short", size: 0 }, "fives"),
  );
  assertEquals([entry.path, "uid" in entry && [entry.uid, entry.gid, entry.mtime]], ["ä/" + "n".repeat(300), [
    3000000,
    4294967294,
    -1.5,
  ]]);
  assertEquals("xattrs" in entry && entry.xattrs, { "user.b": binary, "user.empty": new Uint8Array(0) });
  assertEquals("content" in entry && entry.size, 5);
});

Deno.test("readTar() keeps global records until they are changed, and lets an empty value take one back", async () => {
  const entries = await read(
    paxMember([["uid", "7"], ["mtime", "3.25"]], "g"),
    member({ name: "a" }),
    paxMember([["uid", "8"]]),
    member({ name: "b" }),
    paxMember([["mtime", ""]]),
    member({ name: "c", mtime: "00000000011\0" }),
    paxMember([["uid", ""]], "g"),
    member({ name: "d" }),
  );
  assertEquals(entries.map((entry) => "uid" in entry && [entry.uid, entry.mtime]), [[7, 3.25], [8, 3.25], [7, 9], [
    0,
    3.25,
  ]]);
});

Deno.test("readTar() takes GNU long names and links", async () => {
  const name = "n".repeat(400), link = "l".repeat(300);
  const entry = await readOne(
    member({ name: "././@LongLink", type: "L" }, `${name}\0`),
    member({ name: "././@LongLink", type: "K" }, `${link}\0`),
    member({ name: "n".repeat(100), type: "2", link: "l".repeat(100), magic: "ustar  \0" }),
  );
  assertEquals([entry.path, "target" in entry && entry.target], [name, link]);
});

Deno.test("readTar() takes base-256 numbers, negative ones too", async () => {
  const uid = new Uint8Array([0x80, 0, 0, 0, 0xee, 0x6b, 0x28, 0]);
  const mtime = new Uint8Array(12).fill(0xff);
  const entry = await readOne(member({ uid, mtime }));
  assertEquals("uid" in entry && [entry.uid, entry.mtime], [4_000_000_000, -1]);
});

Deno.test("readTar() takes checksums of signed bytes", async () => {
  assertEquals((await readOne(member({ name: "ä", checksum: "signed" }))).path, "ä");
});

const segments = "0\n3\n10\n2\n";

Deno.test("readTar() expands sparse files of PAX formats 0.0, 0.1 and 1.0", async () => {
  const expected = "abc\0\0\0\0\0\0\0de\0\0\0\0";
  const v00: [string, string][] = [["GNU.sparse.size", "16"], ["GNU.sparse.numblocks", "2"]];
  for (const [offset, length] of [["0", "3"], ["10", "2"]] as const) {
    v00.push(["GNU.sparse.offset", offset], ["GNU.sparse.numbytes", length]);
  }
  assertEquals(await contentOf(paxMember(v00), member({}, "abcde")), expected);
  const v01: [string, string][] = [["GNU.sparse.size", "16"], ["GNU.sparse.numblocks", "2"], [
    "GNU.sparse.map",
    "0,3,10,2",
  ], ["GNU.sparse.name", "real"]];
  assertEquals(await contentOf(paxMember(v01), member({}, "abcde")), expected);
  assertEquals((await readOne(paxMember(v01), member({}, "abcde"))).path, "real");
  const v10: [string, string][] = [
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.realsize", "16"],
    ["GNU.sparse.name", "real"],
  ];
  assertEquals(await contentOf(paxMember(v10), member({}, `2\n${segments}`.padEnd(512, "\0") + "abcde")), expected);
});

Deno.test("readTar() expands a GNU sparse file whose map goes on in further blocks", async () => {
  const octal = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;
  const pairs = Array.from({ length: 26 }, (_, i) => octal(i * 10) + octal(1));
  const more = [pairs.slice(4, 25).join("") + "\x01", pairs.slice(25).join("")].map((part) =>
    new TextEncoder().encode(part.padEnd(512, "\0"))
  );
  const content = "abcdefghijklmnopqrstuvwxyz";
  const header = headerBlock({
    type: "S",
    magic: "ustar  \0",
    size: 26,
    at: { 386: pairs.slice(0, 4).join(""), 482: "\x01", 483: octal(260) },
  });
  const expected = [...content].map((letter) => letter + "\0".repeat(9)).join("");
  assertEquals(await contentOf(header, ...more, new TextEncoder().encode(content.padEnd(512, "\0"))), expected);
});

Deno.test("readTar() gives a large content as a stream that opens once, from an offset too", async () => {
  const large = new Uint8Array(300_000).map((_, i) => i % 251);
  for (const offset of [0, 1, 299_999, 300_000]) {
    const entries = readTar(tarStream([member({ name: "large" }, large), member({ name: "next" }, "x"), tarEnd]), call);
    const first = (await entries.next()).value;
    if (first?.type !== "file" || first.content instanceof Uint8Array) throw new Error("expected a content to open");
    const { content } = first;
    assertEquals(await collect(await content(offset), 300_000), large.slice(offset));
    const again = await assertRejects(() => content(), EngineError);
    assertEquals([again.code, again.message], [
      "UNSUPPORTED",
      'Cannot open tar entry "large": an archive is read once, in order',
    ]);
    const next = (await entries.next()).value;
    assertEquals(next?.path, "next");
    assertEquals((await entries.next()).done, true);
  }
});

Deno.test("readTar() refuses to open or go on with a content when the next entry was asked for", async () => {
  const large = new Uint8Array(300_000);
  const entries = readTar(
    tarStream([member({ name: "a" }, large), member({ name: "b" }, large), member({ name: "c" }), tarEnd], 8192),
    call,
  );
  const a = (await entries.next()).value;
  const b = (await entries.next()).value;
  if (a?.type !== "file" || b?.type !== "file" || a.content instanceof Uint8Array || b.content instanceof Uint8Array) {
    throw new Error("expected contents to open");
  }
  await assertRejects(a.content, EngineError, "an archive is read once, in order");
  const reader = (await b.content()).getReader();
  assertEquals((await reader.read()).value?.length !== 0, true);
  assertEquals((await entries.next()).value?.path, "c");
  await assertRejects(() => reader.read(), EngineError, "an archive is read once, in order");
  await entries.return();
});

Deno.test("readTar() ends at two zero blocks and reads what follows them", async () => {
  let given = 0;
  const chunks = [member({ name: "a" }), tarEnd, new Uint8Array(9000), new Uint8Array([1, 2, 3])];
  const counted = (function* (): Generator<Uint8Array<ArrayBuffer>> {
    for (const chunk of chunks) {
      given++;
      yield chunk;
    }
  })();
  assertEquals((await Array.fromAsync(readTar(streamFrom(counted), call))).length, 1);
  assertEquals(given, 4);
});

Deno.test("readTar() ends where the bytes do when that is between two entries", async () => {
  assertEquals(await Array.fromAsync(readTar(tarStream([]), call)), []);
  assertEquals((await Array.fromAsync(readTar(tarStream([member({}, "x")]), call))).length, 1);
  assertEquals((await Array.fromAsync(readTar(tarStream([member({}, "x"), new Uint8Array(512)]), call))).length, 1);
});

Deno.test("readTar() cancels the stream when its entries are left early", async () => {
  let isCanceled = false;
  const chunks = (function* (): Generator<Uint8Array<ArrayBuffer>> {
    try {
      while (true) yield member({ name: "a" });
    } finally {
      isCanceled = true;
    }
  })();
  for await (const entry of readTar(streamFrom(chunks), call)) if (entry.path === "a") break;
  assertEquals(isCanceled, true);
});

Deno.test("readTar() rejects CANCELED when the signal aborts, also while it waits", async () => {
  for (const isWaiting of [false, true]) {
    const controller = new AbortController();
    const stalled = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(stream): void {
        if (!isWaiting) stream.enqueue(member({ name: "a" }));
      },
    }, { highWaterMark: 0 });
    const entries = readTar(stalled, createTestCall(controller.signal));
    const reading = isWaiting ? entries.next() : entries.next().then(() => entries.next());
    controller.abort();
    const error = await assertRejects(() => reading, EngineError);
    assertEquals(error.code, "CANCELED");
  }
});

Deno.test("readTar() leaves out a volume label", async () => {
  assertEquals((await readOne(member({ name: "label", type: "V" }), member({ name: "a" }))).path, "a");
});
