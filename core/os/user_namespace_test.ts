import { assertEquals } from "@std/assert";
import { isMapped, parseIdMap } from "./user_namespace.ts";

Deno.test("parseIdMap() gives the ranges when the kernel pads its columns", () => {
  const ranges = parseIdMap("         0       1000          1\n         1     100000      65535\n");
  assertEquals(ranges, [{ inside: 0, outside: 1000, count: 1 }, { inside: 1, outside: 100000, count: 65535 }]);
  assertEquals([0, 1, 65535, 65536].map((id) => isMapped(ranges, id)), [true, true, true, false]);
});

Deno.test("parseIdMap() gives none when the file is empty or absent", () => assertEquals(parseIdMap(""), []));
