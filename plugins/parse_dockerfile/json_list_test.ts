import { assertEquals } from "@std/assert";
import { readJsonList } from "./json_list.ts";

Deno.test("readJsonList() gives the strings when the text is an array of them", () => {
  assertEquals(readJsonList(' [ "a" , "b\\n" ] '), { items: ["a", "b\n"] });
  assertEquals(readJsonList("[]"), { items: [] });
});

Deno.test("readJsonList() gives nothing when the text is no JSON array", () => {
  for (const text of ["", "a", '"a"', "['a']", '["a"', '["a",]', '["a"] b', '{"a": 1}', "[".repeat(200_000)]) {
    assertEquals(readJsonList(text), undefined);
  }
});

Deno.test("readJsonList() tells where the first element stands when it is no string", () => {
  const text = '[ "a\\"]," , {"b": [1, "]"]} , 2]';
  const list = readJsonList(text);
  const span = list !== undefined && "notText" in list ? list.notText : { start: 0, end: 0 };
  assertEquals(text.slice(span.start, span.end), '{"b": [1, "]"]}');
  assertEquals(readJsonList("[1]"), { notText: { start: 1, end: 2 } });
});
