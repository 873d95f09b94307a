import { assert, assertEquals } from "@std/assert";
import { type FileStat, isUnchanged, linkKey, mtimeOf, readRecord, RECORD_WORDS, writeRecord } from "./file_stat.ts";

const stat: FileStat = {
  type: "block",
  mode: 0o6755,
  uid: 4_000_000_000,
  gid: 4_294_967_294,
  links: 3,
  size: 2 ** 45 + 7,
  inodeHigh: 0xffff_ffff,
  inodeLow: 0x8000_0001,
  device: 253 * 0x10_0000 + 77,
  mtimeSeconds: -5,
  mtimeNanos: 999_999_999,
  ctimeSeconds: 2 ** 33,
  ctimeNanos: 1,
  major: 300,
  minor: 70_000,
};

Deno.test("readRecord() gives back what writeRecord() wrote when numbers are large or negative", () => {
  const records = new Int32Array(RECORD_WORDS * 2);
  writeRecord(stat, records, RECORD_WORDS);
  assertEquals(readRecord(records, RECORD_WORDS), stat);
});

Deno.test("mtimeOf() never carries a time into the next second when nanoseconds are many", () => {
  const late = { ...stat, mtimeSeconds: 1_700_000_000, mtimeNanos: 999_999_999 };
  assertEquals(Math.floor(mtimeOf(late)), 1_700_000_000);
  assertEquals(Math.floor(mtimeOf(stat)), -5);
  assertEquals(mtimeOf({ ...stat, mtimeSeconds: 10, mtimeNanos: 250_000_000 }), 10.25);
});

Deno.test("isUnchanged() sees each change when one field differs", () => {
  assert(isUnchanged(stat, { ...stat }));
  const changes: Partial<FileStat>[] = [
    { type: "file" },
    { mode: 0o644 },
    { size: 1 },
    { inodeLow: 1 },
    { inodeHigh: 1 },
    { device: 1 },
    { mtimeSeconds: 1 },
    { mtimeNanos: 1 },
    { ctimeSeconds: 1 },
    { ctimeNanos: 2 },
  ];
  for (const change of changes) assert(!isUnchanged(stat, { ...stat, ...change }), JSON.stringify(change));
});

Deno.test("linkKey() tells files apart when inodes differ in their upper half only", () => {
  assert(linkKey(stat) !== linkKey({ ...stat, inodeHigh: 1 }));
  assert(linkKey(stat) !== linkKey({ ...stat, device: 1 }));
});
