import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { readPaxRecords, writePaxRecords } from "./pax.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

Deno.test("writePaxRecords() counts a record's own digits", () => {
  for (const length of [0, 1, 2, 3, 86, 87, 88, 89, 90, 91, 983, 984, 985, 986, 987, 9980, 9981, 9982, 9983]) {
    const record = writePaxRecords([["key", new Uint8Array(length)]]);
    const text = new TextDecoder().decode(record);
    assertEquals(Number(text.slice(0, text.indexOf(" "))), record.length, `${length}`);
    assertEquals(readPaxRecords(record), [["key", new Uint8Array(length)]]);
  }
});

Deno.test("writePaxRecords() sorts records by key", () => {
  assertEquals(
    new TextDecoder().decode(writePaxRecords([["uid", bytes("1")], ["path", bytes("a")]])),
    "9 path=a\n8 uid=1\n",
  );
});

Deno.test("readPaxRecords() keeps the order, repeated keys, and line ends and equals signs in values", () => {
  const records = readPaxRecords(bytes("6 a=1\n6 b=2\n6 a=3\n8 c=\n=\n\n"));
  assertEquals(records.map(([key, value]) => [key, new TextDecoder().decode(value)]), [["a", "1"], ["b", "2"], [
    "a",
    "3",
  ], ["c", "\n=\n"]]);
});

Deno.test("readPaxRecords() refuses records that are no records", () => {
  for (
    const text of ["6", "6a=1\n", "7 a=1\n", "5 a=1\n", "1000000000 a=1\n", "6 a=1\n6", "6 a=1\0", " a=1\n", "3 \n"]
  ) {
    assertThrows(
      () => readPaxRecords(bytes(text)),
      EngineError,
      "Cannot read tar archive: an extended header has a record",
    );
  }
});
