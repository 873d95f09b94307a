import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { redirectTarget } from "./request.ts";

const kit = createKit();

Deno.test("redirectTarget() resolves the location and keeps credentials within the origin", () => {
  const from = new URL("https://me:pw@host/a/b?q");
  assertEquals(redirectTarget(from, "c", kit).href, "https://me:pw@host/a/c");
  assertEquals(redirectTarget(from, "//other/c", kit).href, "https://other/c");
  assertEquals(redirectTarget(from, "https://host:444/", kit).href, "https://host:444/");
  assertEquals(redirectTarget(from, "https://you@host/", kit).href, "https://you@host/");
  assertEquals(redirectTarget(new URL("http://host/"), "https://host/", kit).href, "https://host/");
});

Deno.test("redirectTarget() throws REMOTE_FAILED when encryption would be lost or the address is no web address", () => {
  const from = new URL("https://host/a");
  for (
    const location of [
      "http://host/a",
      "http://user:secret@host/?secret",
      "file:///etc/passwd",
      "data:,x",
      "https://",
      null,
    ]
  ) {
    const error = assertThrows(() => redirectTarget(from, location, kit), EngineError);
    assertEquals([error.code, error.message.includes("secret")], ["REMOTE_FAILED", false], String(location));
  }
});
