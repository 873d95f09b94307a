import { assertEquals } from "@std/assert";
import { readRange } from "./range.ts";

Deno.test("readRange() reads one range of bytes and leaves out what it does not understand", () => {
  const cases: readonly (readonly [string | undefined, ReturnType<typeof readRange>])[] = [
    ["bytes=0-9", { start: 0, end: 10 }],
    ["bytes=90-", { start: 90, end: 100 }],
    ["bytes=90-1000", { start: 90, end: 100 }],
    ["bytes=-10", { start: 90, end: 100 }],
    ["bytes=-1000", { start: 0, end: 100 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", "unsatisfiable"],
    ["bytes=0-1,5-6", undefined],
    ["items=0-1", undefined],
    ["bytes=-", undefined],
    [undefined, undefined],
  ];
  for (const [header, expected] of cases) assertEquals(readRange(header, 100), expected, header);
  assertEquals(readRange("bytes=0-", 0), "unsatisfiable");
});
