import { assertEquals, assertRejects } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { type ByteStream, streamOf } from "../stream/byte_stream.ts";
import { collect } from "../stream/collect.ts";
import { readTar } from "./read.ts";
import { readPaxRecords } from "./pax.ts";
import type { TarEntry } from "./tar_entry.ts";
import { observeTar, writeTar } from "./write.ts";

const call = createTestCall();
const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
const text = new TextDecoder();

type Loose = Partial<Record<string, unknown>>;

function file(path: string, more: Loose = {}): LayerEntry {
  return { ...meta, type: "file", path, size: 0, content: new Uint8Array(0), ...more } as LayerEntry;
}

async function* each(...entries: readonly LayerEntry[]): AsyncGenerator<LayerEntry> {
  yield* entries;
}

function write(...entries: readonly LayerEntry[]): Promise<Uint8Array<ArrayBuffer>> {
  return collect(writeTar(each(...entries), call), 1 << 28);
}

async function refused(entry: LayerEntry, code: string, message: string): Promise<void> {
  const error = await assertRejects(() => write(entry), EngineError);
  assertEquals([error.code, error.message], [code, message]);
}

function flagsOf(tar: Uint8Array): string {
  return [0, 512, 1024, 1536].map((at) => String.fromCharCode(tar[at + 156] ?? 0)).join("");
}

Deno.test("writeTar() writes one ustar header a file, with no times or names of the machine", async () => {
  const content = new TextEncoder().encode("hello");
  const tar = await write(file("a/b", { mode: 0o4755, uid: 1000, gid: 100, mtime: 1_700_000_000, size: 5, content }));
  assertEquals(tar.length, 4 * 512);
  assertEquals(
    text.decode(tar.subarray(0, 345)).replaceAll("\0", "."),
    "a/b" + ".".repeat(97) + "0004755.0001750.0000144.00000000005.14524770400." + "007663. 0" + ".".repeat(100) +
      "ustar.00" +
      ".".repeat(64) + "0000000.0000000.",
  );
  assertEquals(text.decode(tar.subarray(512, 517)), "hello");
  assertEquals(tar.subarray(517).every((byte) => byte === 0), true);
});

Deno.test("writeTar() ends an empty archive with two zero blocks", async () => {
  assertEquals(await write(), new Uint8Array(1024));
});

Deno.test("writeTar() adds an extended header only when something does not fit", async () => {
  const plain = [
    file("n".repeat(100)),
    file(`${"p".repeat(155)}/${"n".repeat(100)}`),
    file("a", { uid: 2_097_151, mtime: 0o77777777777 }),
  ];
  for (const entry of plain) assertEquals(flagsOf(await write(entry))[0], "0");
  const odd: Loose[] = [{ uid: 2_097_152 }, { gid: 4_294_967_295 }, { mtime: 0.5 }, { mtime: -1 }, {
    mtime: 0o100000000000,
  }, { xattrs: { "user.a": new Uint8Array([0]) } }];
  for (const more of odd) assertEquals(flagsOf(await write(file("a", more))).slice(0, 3), "x\x000");
  for (const path of ["n".repeat(101), `${"p".repeat(156)}/n`, "ä"]) {
    assertEquals(flagsOf(await write(file(path)))[0], "x");
  }
});

Deno.test("writeTar() sorts the records of an extended header and dates it 0", async () => {
  const xattrs = { "user.z": new Uint8Array([1]), "security.capability": new Uint8Array([0, 255, 10]) };
  const tar = await write(file("ü", { uid: 3_000_000, mtime: 1.25, xattrs }));
  assertEquals(text.decode(tar.subarray(0, 16)).replaceAll("\0", ""), "PaxHeaders.0/_");
  assertEquals(text.decode(tar.subarray(136, 147)), "00000000000");
  const length = parseInt(text.decode(tar.subarray(124, 135)), 8);
  const records = readPaxRecords(tar.subarray(512, 512 + length));
  assertEquals(records.map(([key]) => key), [
    "SCHILY.xattr.security.capability",
    "SCHILY.xattr.user.z",
    "mtime",
    "path",
    "uid",
  ]);
  assertEquals(records.map(([, value]) => value.toHex()), ["00ff0a", "01", "312e3235", "c3bc", "33303030303030"]);
});

Deno.test("writeTar() gives equal bytes for equal entries whatever pieces contents come in", async () => {
  const content = new Uint8Array(1_500_000).map((_, i) => i * 7);
  const pieces = (size: number) => (): Promise<ByteStream> => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < content.length; at += size) chunks.push(content.slice(at, at + size));
    return Promise.resolve(streamOf(...chunks));
  };
  const of = (
    more: unknown,
  ): LayerEntry[] => [
    file("a", { size: 3, content: new Uint8Array(3) }),
    file("b", { size: content.length, content: more }),
    file("c"),
  ];
  const whole = await write(...of(content));
  for (const size of [1000, 65_537, 262_144, 1_500_000]) assertEquals(await write(...of(pieces(size))), whole);
});

Deno.test("writeTar() gives chunks that stay as they were given", async () => {
  const entries = Array.from(
    { length: 3000 },
    (_, i) => file(`f${i}`, { size: 1000, content: new Uint8Array(1000).fill(i) }),
  );
  const kept: Uint8Array<ArrayBuffer>[] = [];
  const copies: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of writeTar(each(...entries), call)) {
    kept.push(chunk);
    copies.push(chunk.slice());
  }
  assertEquals(kept.length > 1, true);
  assertEquals(kept, copies);
});

Deno.test("writeTar() writes sizes beyond 8 GiB", async () => {
  const size = 0o77777777777 + 1;
  const reader = writeTar(
    each(file("big", { size, content: () => Promise.resolve(streamOf(new Uint8Array(300_000))) })),
    call,
  ).getReader();
  const first = (await reader.read()).value ?? new Uint8Array(0);
  assertEquals(readPaxRecords(first.subarray(512, 512 + 19)).map(([key, value]) => [key, text.decode(value)]), [[
    "size",
    "8589934592",
  ]]);
  await reader.cancel();
});

Deno.test("writeTar() refuses content that is not as long as it should be", async () => {
  const opened = (length: number) => (): Promise<ByteStream> => Promise.resolve(streamOf(new Uint8Array(length)));
  const message = (got: string): string => `Cannot write tar entry "dir/a": its content has ${got} bytes, expected 10`;
  await refused(file("dir/a", { size: 10, content: new Uint8Array(9) }), "CONTENT_MISMATCH", message("9"));
  await refused(file("dir/a", { size: 10, content: new Uint8Array(11) }), "CONTENT_MISMATCH", message("more than 10"));
  await refused(file("dir/a", { size: 10, content: opened(9) }), "CONTENT_MISMATCH", message("9"));
  await refused(file("dir/a", { size: 10, content: opened(11) }), "CONTENT_MISMATCH", message("more than 10"));
});

Deno.test("writeTar() refuses entries that no tar can hold", async () => {
  const cannot = (path: string, state: string): string => `Cannot write tar entry "${path}": ${state}`;
  for (const path of ["/a", "a/", "./a", "a//b", "a/../b", "", "../a"]) {
    await refused(file(path), "INVALID_ARGUMENT", cannot(path, "its path is not a normalized relative one"));
  }
  await refused(file("."), "INVALID_ARGUMENT", cannot(".", "the root is not a directory"));
  await refused(file("a", { mode: 0o10000 }), "INVALID_ARGUMENT", cannot("a", "its mode is 4096, expected 0 to 4095"));
  await refused(file("a", { uid: -1 }), "INVALID_ARGUMENT", cannot("a", "its uid is -1, expected 0 to 4294967295"));
  await refused(file("a", { mtime: NaN }), "INVALID_ARGUMENT", cannot("a", "its mtime is not a time"));
  await refused(
    file("a", { size: 1.5 }),
    "INVALID_ARGUMENT",
    cannot("a", "its size is 1.5, expected 0 to 9007199254740991"),
  );
  await refused(
    { ...meta, type: "char", path: "a", major: 2 ** 24, minor: 0 },
    "INVALID_ARGUMENT",
    cannot("a", "its major is 16777216, expected 0 to 2097151"),
  );
  await refused(
    { ...meta, type: "symlink", path: "a", target: "" },
    "INVALID_ARGUMENT",
    cannot("a", "its link target is no path"),
  );
  await refused(
    { ...meta, type: "symlink", path: "a", target: "\ud800" },
    "UNSUPPORTED",
    cannot("a", "its link target is not well-formed Unicode"),
  );
  await refused(file("\udfff"), "UNSUPPORTED", cannot("\\udfff", "its name is not well-formed Unicode"));
  await refused(
    file("a", { xattrs: { "user.a=b": new Uint8Array(0) } }),
    "UNSUPPORTED",
    cannot("a", 'no tar holds the extended attribute "user.a=b"'),
  );
  await refused(
    file("a", { xattrs: { "user.a": new Uint8Array(1 << 20) } }),
    "INVALID_ARGUMENT",
    cannot("a", "its names and attributes exceed 1048576 bytes"),
  );
  await refused({ type: "whiteout", path: "a" }, "INVALID_ARGUMENT", cannot("a", "a tar has no whiteouts"));
});

Deno.test("writeTar() asks for entries only while it is read, and returns them when it is canceled", async () => {
  let asked = 0;
  let isReturned = false;
  const entries = (async function* (): AsyncGenerator<LayerEntry> {
    try {
      while (true) yield file(`f${asked++}`, { size: 1000, content: new Uint8Array(1000) });
    } finally {
      isReturned = true;
    }
  })();
  const reader = writeTar(entries, call).getReader();
  assertEquals(asked, 0);
  await reader.read();
  const once = asked;
  assertEquals(once < 1000, true);
  await reader.cancel();
  assertEquals([asked, isReturned], [once, true]);
});

Deno.test("writeTar() errors with CANCELED when the signal aborts, also while an entry or a content is waited for", async () => {
  const never = new Promise<never>(() => {});
  const waits: (() => AsyncIterable<LayerEntry>)[] = [
    () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }),
    () => each(file("a", { size: 1, content: () => never })),
    () => each(file("a", { size: 1, content: () => Promise.resolve(new ReadableStream()) })),
  ];
  for (const entries of waits) {
    const controller = new AbortController();
    const reading = collect(writeTar(entries(), createTestCall(controller.signal)), 1 << 20);
    controller.abort();
    assertEquals((await assertRejects(() => reading, EngineError)).code, "CANCELED");
  }
});

Deno.test("writeTar() passes on what entries throw", async () => {
  const entries = (async function* (): AsyncGenerator<LayerEntry> {
    yield file("a");
    throw new EngineError("NOT_FOUND", "gone");
  })();
  await assertRejects(() => collect(writeTar(entries, call), 1 << 20), EngineError, "gone");
});

Deno.test("observeTar() tells where each content is, and how much of it there was", async () => {
  const large = new Uint8Array(700_000).map((_, i) => i * 3);
  const open = (): Promise<ByteStream> => Promise.resolve(streamOf(large.slice()));
  const entries = [
    file("a"),
    file("ü".repeat(200), { size: large.length, content: open }),
    file("c", { size: 2, content: new Uint8Array(2) }),
  ];
  const found: { path: string; offset: number; bytes: number }[] = [];
  const observer = {
    entry: (entry: TarEntry, offset: number): void => void found.push({ path: entry.path, offset, bytes: 0 }),
    data(bytes: Uint8Array): void {
      const last = found.at(-1);
      if (last !== undefined) last.bytes += bytes.length;
    },
    done: (entry: TarEntry): void => assertEquals(found.at(-1)?.path, entry.path),
  };
  async function* source(): AsyncGenerator<TarEntry> {
    for (const entry of entries) if (entry.type !== "whiteout" && entry.type !== "opaque") yield entry;
  }
  const tar = await collect(observeTar(source(), observer, call), 1 << 22);
  const offset = found[1]?.offset ?? 0;
  assertEquals(tar.subarray(offset, offset + large.length), large);
  assertEquals(found.map(({ bytes }) => bytes), [0, 700_000, 2]);
  assertEquals((await Array.fromAsync(readTar(streamOf(tar), call))).length, 3);
});
