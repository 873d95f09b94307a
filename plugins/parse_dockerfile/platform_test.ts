import { assertEquals, assertThrows } from "@std/assert";
import { createKit } from "../../core/kit.ts";
import { EngineError } from "../../core/errors.ts";
import { formatPlatform, readPlatform } from "./platform.ts";

const source = {
  kit: createKit(),
  at: { file: "Dockerfile", line: 1, endLine: 1 },
  buildPlatform: { os: "linux", architecture: "arm", variant: "v6" },
};

Deno.test("readPlatform() resolves aliases and drops variants when they say nothing", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["linux/amd64", "linux/amd64"],
    ["Linux/x86_64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/aarch64/8", "linux/arm64"],
    ["linux/arm64/v9.0", "linux/arm64/v9"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["arm64", "linux/arm64"],
    ["macos", "darwin/arm/v6"],
    ["windows", "windows/arm/v6"],
  ];
  for (const [text, expected] of cases) assertEquals(formatPlatform(readPlatform(text, source)), expected);
});

Deno.test("readPlatform() throws when a text is no platform", () => {
  for (const text of ["", "/", "linux/", "a/b/c/d", "linux/am d64", "nosuch", "linux/*", "__proto__"]) {
    assertThrows(() => readPlatform(text, source), EngineError, "Cannot use platform");
  }
});

Deno.test("readPlatform() takes an architecture as it is when it has the name of a member of every object", () => {
  assertEquals(formatPlatform(readPlatform("linux/constructor", source)), "linux/constructor");
});
