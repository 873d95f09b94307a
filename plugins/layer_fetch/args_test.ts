import { assertEquals } from "@std/assert";
import { showUrl } from "./args.ts";

Deno.test("showUrl() leaves out credentials and the query, and cuts what is long", () => {
  assertEquals(showUrl("https://user:pw@host:8443/a/b?token=x#frag"), "https://host:8443/a/b?...");
  assertEquals(showUrl("http://host"), "http://host/");
  assertEquals(showUrl("no address with secret"), "malformed");
  assertEquals(showUrl(`http://host/${"a".repeat(9000)}`).length, 500);
});
