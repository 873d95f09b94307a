import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import * as posix from "@std/path/posix";
import { parseArgs } from "@std/cli/parse-args";

Deno.test("the wrapped standard library runs and is typed", () => {
  assertEquals(join("a", "..", "b"), "b");
  assertEquals(posix.normalize("/a/../b"), "/b");
  assertEquals(parseArgs(["-a", "x"], { boolean: ["a"] })._, ["x"]);
  // @ts-expect-error wrong types are refused
  assertThrows(() => join(1));
});
