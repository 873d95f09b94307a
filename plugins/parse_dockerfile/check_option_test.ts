import { assertEquals } from "@std/assert";
import { readBoolean, readCheckOptions } from "./check_option.ts";

Deno.test("readCheckOptions() reads every option when they are all given", () => {
  assertEquals(readCheckOptions("skip=A, B ;error=T;experimental=all"), {
    skip: ["A", "B"],
    error: true,
    experimental: ["all"],
  });
});

for (
  const [text, part] of [["", ""], ["skip", "skip"], ["skip=A;warn=1", "warn=1"], ["error=yes", "error=yes"]] as const
) {
  Deno.test(`readCheckOptions() names the wrong part when it reads ${JSON.stringify(text)}`, () => {
    const result = readCheckOptions(text);
    assertEquals("part" in result ? result.part : undefined, part);
  });
}

Deno.test("readBoolean() gives nothing when a word is neither true nor false", () => {
  assertEquals(["1", "TRUE", "f", "False", "yes", "", "constructor"].map(readBoolean), [
    true,
    true,
    false,
    false,
    undefined,
    undefined,
    undefined,
  ]);
});
