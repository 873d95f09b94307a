import { assertEquals } from "@std/assert";
import { cutFlags } from "./cut_flags.ts";

Deno.test("cutFlags() takes quotes and escapes away when flags hold them", () => {
  assertEquals(cutFlags(`COPY --a="b c" --d'e'=\\" f --g`, 4, "\\"), {
    words: [{ text: "--a=b c", start: 5, end: 14 }, { text: '--de="', start: 15, end: 24 }],
    next: 25,
  });
});

Deno.test("cutFlags() ends at -- when it stands alone", () => {
  assertEquals(cutFlags("RUN -- --a", 3, "\\"), { words: [], next: 6 });
  assertEquals(cutFlags("RUN - --a", 3, "\\"), { words: [], next: 4 });
});

Deno.test("cutFlags() tells where a quote stands when it is not closed", () => {
  assertEquals(cutFlags("RUN --a='b", 3, "\\"), { openQuote: 8 });
});
