import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { parseMode } from "./mode.ts";

const kit = createKit();

Deno.test("parseMode() replaces all bits when the mode is octal", () => {
  for (const [text, mode] of [["0644", 0o644], ["755", 0o755], ["0", 0], ["7777", 0o7777], ["00007", 7]] as const) {
    assertEquals(parseMode(text, kit).apply(0o4123, false), mode, text);
    assertEquals(parseMode(text, kit).made, mode & 0o777, text);
  }
});

Deno.test("parseMode() changes single bits when the mode is symbolic", () => {
  const table: readonly (readonly [text: string, before: number, after: number])[] = [
    ["go-w", 0o666, 0o644],
    ["u=rw,g=r,o=r", 0o777, 0o644],
    ["a+X", 0o644, 0o644],
    ["a+X", 0o654, 0o755],
    ["u+rw,g+r,o-x,o+w", 0o124, 0o766],
    ["+x", 0o600, 0o711],
    ["=r", 0o4777, 0o444],
    ["a=rwx", 0o000, 0o777],
    ["u=rwX,go=rX", 0o600, 0o644],
    ["u=rwX,go=rX", 0o700, 0o755],
    ["g=u", 0o740, 0o770],
    ["go=u-w", 0o700, 0o755],
    ["o-u", 0o707, 0o700],
    ["go=", 0o777, 0o700],
    ["u+s,g+s,+t", 0o755, 0o7755],
    ["o+s,o+t", 0o755, 0o755],
    ["a-s", 0o6755, 0o755],
    ["u=rwx", 0o4000, 0o700],
    ["-x+r", 0o111, 0o444],
    ["ug+w-x", 0o555, 0o665],
    ["a-x,a+X", 0o755, 0o755],
    ["-X", 0o755, 0o644],
  ];
  for (const [text, before, after] of table) {
    const changed = parseMode(text, kit).apply(before, false);
    assertEquals(changed.toString(8), after.toString(8), `${text} on ${before.toString(8)}`);
  }
});

Deno.test("parseMode() lets X count for every directory", () => {
  assertEquals(parseMode("a=rX", kit).apply(0o600, true), 0o555);
  assertEquals(parseMode("u=rwX,go=rX", kit).made, 0o755);
});

Deno.test("parseMode() throws INVALID_ARGUMENT when the text is no mode", () => {
  for (
    const text of [
      "64a",
      "10000",
      "8",
      "",
      "u",
      "rwx",
      "u=rg",
      "u=z",
      "u+r,",
      ",",
      "+r,,+w",
      "-1",
      "0o644",
      "a".repeat(1e5),
    ]
  ) {
    const error = assertThrows(() => parseMode(text, kit), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT", text.slice(0, 20));
  }
});
