import { assertEquals } from "@std/assert";
import { isOwnSyntax, syntaxOf } from "./syntax.ts";

Deno.test("syntaxOf() reads the syntax among the directives that start a file, and nowhere else", () => {
  assertEquals(syntaxOf("# syntax=a/b:1\nFROM c\n"), "a/b:1");
  assertEquals(syntaxOf("\uFEFF#escape=`\r\n#  Syntax = a/b c\r\nFROM c\n"), "a/b");
  assertEquals(syntaxOf("#!/usr/bin/env strata\n# syntax=a/b\n"), "a/b");
  assertEquals(syntaxOf("# a comment\n# syntax=a/b\nFROM c\n"), undefined);
  assertEquals(syntaxOf("FROM c\n# syntax=a/b\n"), undefined);
  assertEquals(syntaxOf(""), undefined);
});

Deno.test("isOwnSyntax() knows Docker's own syntax, whatever its version", () => {
  const syntaxes = ["docker/dockerfile", "docker.io/docker/dockerfile:1", "docker/dockerfile-upstream:master", "a/b"];
  assertEquals(syntaxes.map(isOwnSyntax), [true, true, true, false]);
});
