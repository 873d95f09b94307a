import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { resolveLinks, resolveParentLinks } from "./context_resolve.ts";

const links: Readonly<Record<string, string>> = {
  "up": "../../../etc",
  "absolute": "/a/b",
  "a/b": "c",
  "a/relative": "../d",
  "loop": "loop",
  "ping": "pong",
  "pong": "./ping",
  "dot": ".",
  "empty/..": "never",
  "chain": "absolute/../x",
};

function readLink(path: string): string | undefined {
  return links[path];
}

Deno.test("resolveLinks() stays inside the root when paths and links climb", () => {
  const cases = [
    ["", "."],
    [".", "."],
    ["/", "."],
    ["..", "."],
    ["../../x", "x"],
    ["up/passwd", "etc/passwd"],
    ["/absolute", "a/c"],
    ["absolute/", "a/c"],
    ["a/relative/x", "d/x"],
    ["a/relative/../x", "x"],
    ["dot/dot/x", "x"],
    ["chain", "a/x"],
    ["absent/../y", "y"],
    ["absent/deep/z", "absent/deep/z"],
    ["a//./x", "a/x"],
  ] as const;
  for (const [path, expected] of cases) assertEquals(resolveLinks(path, readLink), expected, path);
});

Deno.test("resolveLinks() throws INVALID_ARGUMENT when links form a loop or a NUL is in the path", () => {
  for (const path of ["loop", "ping/x", "a\0b"]) {
    assertEquals(assertThrows(() => resolveLinks(path, readLink), EngineError).code, "INVALID_ARGUMENT", path);
  }
});

Deno.test("resolveParentLinks() keeps the last part when it is a symlink", () => {
  assertEquals(resolveParentLinks("loop", readLink), "loop");
  assertEquals(resolveParentLinks("up", readLink), "up");
  assertEquals(resolveParentLinks("dot/a/b/", readLink), "a/b");
  assertEquals(resolveParentLinks("up/..", readLink), ".");
  assertEquals(resolveParentLinks(".", readLink), ".");
  assertThrows(() => resolveParentLinks("a\0b", readLink), EngineError);
});
