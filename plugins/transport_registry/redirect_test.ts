import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { isRedirect, leadTo } from "./redirect.ts";

const doing = { doing: "read it", host: "r.example" };

function lead(location: string | null, from = "https://r.example/v2/a", isInternal = false): string {
  return leadTo(location, new URL(from), { doing, isInternal, kit: createKit() }).href;
}

Deno.test("isRedirect() lets only 307 and 308 lead what changes something", () => {
  const led = (method: string): number[] =>
    [200, 300, 301, 302, 303, 304, 307, 308].filter((status) => isRedirect(status, method));
  assertEquals([led("GET"), led("HEAD")], [[301, 302, 303, 307, 308], [301, 302, 303, 307, 308]]);
  assertEquals([led("PUT"), led("POST"), led("PATCH")], [[307, 308], [307, 308], [307, 308]]);
});

Deno.test("leadTo() resolves relative addresses and drops logins and fragments", () => {
  assertEquals(lead("../b?x=1"), "https://r.example/b?x=1");
  assertEquals(lead("//cdn.example/b"), "https://cdn.example/b");
  assertEquals(lead("https://user:secret@cdn.example/b#c"), "https://cdn.example/b");
  assertEquals(lead("http://cdn.example/b", "http://r.example/"), "http://cdn.example/b");
});

Deno.test("leadTo() keeps the encryption on one host, whatever the host says", () => {
  assertEquals(lead("http://r.example/b"), "https://r.example/b");
  assertEquals(lead("http://r.example:5000/b?x", "https://r.example:5000/"), "https://r.example:5000/b?x");
  assertEquals(lead("http://r.example/b?x", "https://r.example:5000/"), "https://r.example:5000/b?x");
  assertEquals(assertThrows(() => lead("http://r.example:8080/"), EngineError).code, "REMOTE_FAILED");
});

Deno.test("leadTo() throws REMOTE_FAILED for other schemes, for less encryption, for nothing", () => {
  for (const location of [null, "http://", "file:///etc/passwd", "ftp://x/", "data:,x", "http://cdn.example/"]) {
    assertEquals(assertThrows(() => lead(location), EngineError).code, "REMOTE_FAILED", String(location));
  }
});

Deno.test("leadTo() throws REMOTE_FAILED for a private address of a public host", () => {
  for (const host of ["169.254.169.254", "10.0.0.1", "localhost", "[::1]", "[fd00::1]", "127.1"]) {
    assertEquals(assertThrows(() => lead(`https://${host}/latest`), EngineError).code, "REMOTE_FAILED", host);
  }
  assertEquals(lead("https://10.0.0.1/b", "https://10.0.0.2/a"), "https://10.0.0.1/b");
  assertEquals(lead("https://10.0.0.1/b", "https://r.example/a", true), "https://10.0.0.1/b");
});

Deno.test("leadTo() shows no query in its message", () => {
  const error = assertThrows(() => lead("http://cdn.example/b?signature=secret"), EngineError);
  assertEquals(error.message, 'Cannot read it: "r.example" leads to "http://cdn.example/b", which is not encrypted');
});
