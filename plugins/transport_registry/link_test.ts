import { assertEquals } from "@std/assert";
import { nextLink } from "./link.ts";

function next(...values: readonly string[]): string | undefined {
  const headers = new Headers();
  for (const value of values) headers.append("link", value);
  return nextLink(headers);
}

Deno.test("nextLink() gives the address with rel next", () => {
  assertEquals(next('</v2/a/tags/list?n=2&last=b>; rel="next"'), "/v2/a/tags/list?n=2&last=b");
  assertEquals(next("<?last=b>;rel=next"), "?last=b");
  assertEquals(next('<https://x/y>; title="a, b"; rel="prev next"'), "https://x/y");
  assertEquals(next('</a>; rel="prev", </b>; REL="NEXT"'), "/b");
  assertEquals(next('</a>; rel="prev"', '</b>; rel="next"'), "/b");
});

Deno.test("nextLink() gives nothing on the last page or for what cannot be read", () => {
  assertEquals([next(), next(""), next('</a>; rel="prev"'), next("/a; rel=next"), next("</a>"), next("</a")], [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
