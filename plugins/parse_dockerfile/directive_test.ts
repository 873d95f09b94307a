import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { type Directives, readDirectives } from "./directive.ts";
import { cutLines } from "./source.ts";

const check = { skip: [], error: false, experimental: [] };

function read(text: string): Directives {
  return readDirectives({ kit: createKit(), file: "f", escape: "\\", lines: cutLines(text) });
}

Deno.test("readDirectives() counts the lines it took when other comments follow", () => {
  assertEquals(read("# escape=`\n# syntax = a b\n# c\n# check=error=1\n"), {
    escape: "`",
    syntax: "a",
    check,
    lines: 2,
  });
});

Deno.test("readDirectives() takes only syntax and check when the file starts with #!", () => {
  assertEquals(read("#!x\n#escape=`\n#syntax=a\n#syntax=b\n"), { escape: "\\", syntax: "a", check, lines: 4 });
});

Deno.test("readDirectives() refuses a file when it is written for another frontend", () => {
  for (const text of ["//syntax=a/b\n", '\n{"syntax": "a/b"}'.trim(), "// check=skip=all\n// Syntax = a/b c\n"]) {
    assertThrows(() => read(text), EngineError, 'written for the frontend "a/b", expected a Dockerfile');
  }
  assertEquals(read('{"syntax": 1}').lines, 0);
  assertEquals(read("// a\n//syntax=b\n").lines, 0);
});
