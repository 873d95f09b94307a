import { assertEquals } from "@std/assert";
import { createKit } from "../../core/kit.ts";
import { tryLex } from "./lexer.ts";

const kit = createKit();

Deno.test("tryLex() keeps text as written when quotes, escapes and unset variables are kept", () => {
  const text = `a\\ b "c\\"$d" 'e' \${f:-g} \${h#i} \${j/k/l} <<  m`;
  const result = tryLex(text, kit, { escape: "\\", quotes: "keep", escapes: "keep", unset: "keep" });
  assertEquals(result?.text, text);
  assertEquals(result?.words, ["a\\ b", '"c\\"$d"', "'e'", "${f:-g}", "${h#i}", "${j/k/l}", "<<  m"]);
});

Deno.test("tryLex() gives nothing when the text cannot be read", () => {
  for (const text of ["'", '"', "${", "${}", "${a:=b}", "${a:?b}"]) {
    const result = tryLex(text, kit, { escape: "\\", quotes: "remove", escapes: "remove", unset: "empty" });
    assertEquals(result, undefined);
  }
});
