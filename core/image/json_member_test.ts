import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { setMember } from "./json_member.ts";

const cases: readonly (readonly [text: string, expected: string])[] = [
  ["{}", `{\n  "a": [\n    1\n  ]\n}`],
  ["{\n}\n", `{\n  "a": [\n    1\n  ]\n}\n`],
  [`{"b": "}\\""}`, `{"b": "}\\"",\n  "a": [\n    1\n  ]}`],
  [`{"a": [{"x": "]"}], "b" : {"a": 2}}\n`, `{"a": [\n    1\n  ], "b" : {"a": 2}}\n`],
  [`{ "b" :1 ,\t"\\u0061": null }`, `{ "b" :1 ,\t"\\u0061": [\n    1\n  ] }`],
];
for (const [text, expected] of cases) {
  Deno.test(`setMember() changes nothing else in ${JSON.stringify(text)}`, () => {
    assertEquals(setMember(text, "a", [1]), expected);
    assertEquals(JSON.parse(expected).a, [1]);
  });
}

Deno.test("setMember() refuses what is no object", () => {
  for (const text of ["", "[]", "5", "{", "null"]) {
    assertEquals(assertThrows(() => setMember(text, "a", 1), EngineError).code, "INVALID_ARGUMENT");
  }
});
