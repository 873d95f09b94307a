import { assertEquals } from "@std/assert";
import { readCsv } from "./csv.ts";

Deno.test("readCsv() cuts at commas when they are not quoted", () => {
  assertEquals(readCsv('a=b,"c,d",,"e ""f"""'), ["a=b", "c,d", "", 'e "f"']);
  assertEquals(readCsv("a,"), ["a", ""]);
  assertEquals(readCsv('""'), [""]);
});

Deno.test("readCsv() gives nothing when quotes are open or stand inside a field", () => {
  assertEquals([readCsv('"a'), readCsv('a"b'), readCsv('"a"b'), readCsv('a,"')], [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
