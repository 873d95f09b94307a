import { assertEquals } from "@std/assert";
import { readRange } from "./upload_session.ts";

Deno.test("readRange() reads ends with and without the unit", () => {
  const read = (range: string | undefined): number | undefined =>
    readRange(new Headers(range === undefined ? {} : { range }));
  assertEquals(["0-99", "bytes=0-99", "bytes 0-99", " 0 - 99 ", "BYTES=0-99"].map(read), [100, 100, 100, 100, 100]);
  assertEquals(read("0-0"), 1);
  assertEquals([undefined, "", "5-99", "0-", "-99", "0-99/200", "0-x"].map(read), new Array(7).fill(undefined));
});
