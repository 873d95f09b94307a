import { assertEquals, assertMatch } from "@std/assert";
import type { Digest } from "../oci/descriptor.ts";
import { aliasOf, aliasPrefix } from "./alias.ts";
import { adjectives, nouns } from "./alias_words.ts";

Deno.test("alias words are 256 distinct lower-case words in each list", () => {
  for (const words of [adjectives, nouns]) {
    assertEquals(words.length, 256);
    assertEquals(new Set(words).size, 256);
    for (const word of words) assertMatch(word, /^[a-z]+$/);
  }
});

Deno.test("aliasOf() gives two words when the ID is any digest", () => {
  const id: Digest = `sha256:00ff${"0".repeat(60)}`;
  assertEquals(aliasOf(id), `${adjectives[0]}_${nouns[255]}`);
});

Deno.test("aliasPrefix() gives the first digits of the ID when the text is an alias", () => {
  for (const start of ["0000", "00ff", "a31b", "ffff"]) {
    assertEquals(aliasPrefix(aliasOf(`sha256:${start}${"0".repeat(60)}`)), start);
  }
});

Deno.test("aliasPrefix() gives undefined when the text is no alias", () => {
  for (const text of ["", "_", "brave", "brave_", "brave_otter_x", "no_such"]) {
    assertEquals(aliasPrefix(text), undefined);
  }
});
