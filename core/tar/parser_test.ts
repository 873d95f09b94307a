/** What the parser refuses, with the exact error of each. */
import { assertEquals, assertRejects } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { headerBlock, member, paxMember, tarStream } from "../../tests/helpers/tar_bytes.ts";
import { EngineError } from "../errors.ts";
import { readTar } from "./read.ts";

const call = createTestCall();

async function refused(code: string, message: string, ...parts: readonly Uint8Array[]): Promise<void> {
  const error = await assertRejects(() => Array.fromAsync(readTar(tarStream(parts), call)), EngineError);
  assertEquals([error.code, error.message], [code, message]);
}

Deno.test("TarParser refuses a wrong checksum", async () => {
  await refused(
    "INVALID_ARGUMENT",
    "Cannot read tar archive: the header at byte 512 has a wrong checksum",
    member({ name: "a" }),
    member({ checksum: "wrong" }),
  );
  await refused(
    "INVALID_ARGUMENT",
    "Cannot read tar archive: the header at byte 0 has a wrong checksum",
    new Uint8Array(512).fill(0x41),
  );
});

Deno.test("TarParser refuses an archive that is cut off", async () => {
  const whole = member({ name: "a" }, "x".repeat(600));
  for (const length of [1, 511, 512, 600, 1111, 1535]) {
    await refused(
      "INVALID_ARGUMENT",
      `Cannot read tar archive: it is cut off after ${length} bytes`,
      whole.subarray(0, length),
    );
  }
  await refused(
    "INVALID_ARGUMENT",
    "Cannot read tar archive: it is cut off after 1024 bytes",
    paxMember([["path", "a"]]),
  );
  await refused(
    "INVALID_ARGUMENT",
    "Cannot read tar archive: it is cut off after 512 bytes",
    headerBlock({ type: "L", size: 1000 }),
  );
});

Deno.test("TarParser refuses an entry after a lone zero block", async () => {
  await refused(
    "INVALID_ARGUMENT",
    "Cannot read tar archive: an entry comes after its end",
    new Uint8Array(512),
    member({}),
  );
});

Deno.test("TarParser refuses sizes that are negative, huge or no number", async () => {
  const state = 'Cannot read tar entry "file": its size is not a number';
  await refused("INVALID_ARGUMENT", state, headerBlock({ size: new Uint8Array(12).fill(0xff) }));
  await refused("INVALID_ARGUMENT", state, headerBlock({ size: new Uint8Array(12).fill(0x7f, 1).fill(0x80, 0, 1) }));
  await refused("INVALID_ARGUMENT", state, headerBlock({ size: "12x45678901\0" }));
  await refused("INVALID_ARGUMENT", state, headerBlock({ size: "-0000000001\0" }));
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar archive: an extended header has the size "-1"',
    paxMember([["size", "-1"]]),
    member({}),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar archive: an extended header has the size "99999999999999999999"',
    paxMember([["size", "99999999999999999999"]]),
    member({}),
  );
  await refused(
    "INVALID_ARGUMENT",
    "Cannot read tar archive: it is cut off after 1024 bytes",
    headerBlock({ size: 0o77777777777 }),
    new Uint8Array(512),
  );
});

Deno.test("TarParser refuses other numbers that are none, and owners out of range", async () => {
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": its mode is not a number',
    member({ mode: "rwxr-xr-" }),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": its uid is not a number',
    member({ uid: "99\0\0\0\0\0\0" }),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": its mtime is not a number',
    paxMember([["mtime", "1e9"]]),
    member({}),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": it has the owner or device number -1',
    member({ uid: new Uint8Array(8).fill(0xff) }),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": it has the owner or device number 4294967296',
    paxMember([["uid", "4294967296"]]),
    member({}),
  );
});

Deno.test("TarParser refuses names that lead outside, hold a NUL, or are none", async () => {
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "../a": its name leads outside the archive',
    member({ name: "../a" }),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "a/../../b": its name leads outside the archive',
    member({ name: "a/../../b" }),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "/../etc/passwd": its name leads outside the archive',
    member({ name: "/../etc/passwd" }),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "../../etc/shadow": its name leads outside the archive',
    member({ type: "1", link: "../../etc/shadow" }),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "a\\u0000b": its name holds a NUL',
    paxMember([["path", "a\0b"]]),
    member({}),
  );
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": its link target holds a NUL',
    paxMember([["linkpath", "a\0b"]]),
    member({ type: "2" }),
  );
  await refused("INVALID_ARGUMENT", 'Cannot read tar entry "": it has no name', member({ name: "" }));
  await refused("INVALID_ARGUMENT", 'Cannot read tar entry ".": it has no name', member({ name: "." }));
  await refused("INVALID_ARGUMENT", 'Cannot read tar entry "file": it is a link to nothing', member({ type: "2" }));
});

Deno.test("TarParser refuses names that are not UTF-8, naming them escaped", async () => {
  const latin1 = new Uint8Array([0x63, 0x61, 0x66, 0xe9]);
  await refused("UNSUPPORTED", 'Cannot read tar entry "caf\\xe9": its name is not UTF-8', member({ name: latin1 }));
  await refused(
    "UNSUPPORTED",
    'Cannot read tar entry "caf\\xe9": its name is not UTF-8',
    paxMember([["path", latin1]]),
    member({}),
  );
  await refused(
    "UNSUPPORTED",
    'Cannot read tar entry "caf\\xe9": its name is not UTF-8',
    member({ type: "L" }, latin1),
    member({}),
  );
});

Deno.test("TarParser refuses entry types it does not know", async () => {
  await refused("UNSUPPORTED", 'Cannot read tar entry "file": unknown entry type "M"', member({ type: "M" }));
  await refused("UNSUPPORTED", 'Cannot read tar entry "file": unknown entry type "\\u0001"', member({ type: "\x01" }));
});

Deno.test("TarParser refuses extended headers that are too long or malformed", async () => {
  const tooLong = 'Cannot read tar entry "file": its extended header is not between 0 and 1048576 bytes long';
  for (const type of ["x", "g", "L", "K"]) {
    await refused("INVALID_ARGUMENT", tooLong, headerBlock({ type, size: 1048577 }));
  }
  for (
    const [record, state] of [
      ["5 a=b", "no line end"],
      ["99 a=b\n", "a bad length"],
      ["x a=b\n", "a bad length"],
      ["0 a=b\n", "a bad length"],
      ["-6 a=b\n", "a bad length"],
      ["6 a=bc\n", "no line end"],
      ["6 abc\n", "no key"],
      ["5 =b\n", "no key"],
    ]
  ) {
    await refused(
      "INVALID_ARGUMENT",
      `Cannot read tar archive: an extended header has a record with ${state}`,
      member({ type: "x" }, record),
      member({}),
    );
  }
});

Deno.test("TarParser refuses global headers that pile up", async () => {
  const piece = (key: string): Uint8Array => paxMember([[key, "v".repeat(400_000)]], "g");
  await refused(
    "INVALID_ARGUMENT",
    "Cannot read tar archive: its global headers exceed 1048576 bytes",
    piece("a"),
    piece("b"),
    piece("c"),
  );
});

Deno.test("TarParser refuses sparse maps that are wrong", async () => {
  const malformed = "Cannot read tar archive: the map of a sparse file is malformed";
  const map = (value: string, size = "16"): Uint8Array =>
    paxMember([["GNU.sparse.size", size], ["GNU.sparse.numblocks", "1"], ["GNU.sparse.map", value]]);
  const disorder = 'Cannot read tar entry "file": its sparse map is out of order or out of bounds';
  await refused("INVALID_ARGUMENT", disorder, map("4,2,0,3"), member({}, "abcde"));
  await refused("INVALID_ARGUMENT", disorder, map("14,5"), member({}, "abcde"));
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": its sparse map tells of 4 bytes, expected 5',
    map("0,4"),
    member({}, "abcde"),
  );
  for (const bad of ["1", "a,b", "-1,2", "0,99999999999999999999"]) {
    await refused("INVALID_ARGUMENT", malformed, map(bad), member({}, "abcde"));
  }
  await refused("INVALID_ARGUMENT", malformed, map("0,5", "-5"), member({}, "abcde"));
  const v10 = paxMember([["GNU.sparse.major", "1"], ["GNU.sparse.realsize", "16"]]);
  await refused(
    "INVALID_ARGUMENT",
    'Cannot read tar entry "file": its sparse map is cut off',
    v10,
    member({}, "9\n0\n".padEnd(512, "\0")),
  );
  await refused("INVALID_ARGUMENT", malformed, v10, member({}, "x\n".padEnd(1024, "\0")));
  await refused("INVALID_ARGUMENT", malformed, v10, member({}, "999999999\n".padEnd(1024, "\0")));
  await refused("INVALID_ARGUMENT", malformed, v10, member({}, "1".repeat(2048)));
});
