import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { expandForShow, expandHeredoc, type ExpandOptions, expandWord, expandWords } from "./expand.ts";

const env = new Map([["a", "one two"], ["empty", ""], ["long", "x".repeat(1 << 16)]]);

function options(...lines: readonly string[]): ExpandOptions {
  const at = { file: "Dockerfile", line: 7, endLine: 6 + lines.length, source: lines[0] ?? "" };
  return { escape: "\\", kit: createKit(), instruction: { at, keyword: "env", lines } };
}

function lookup(name: string): string | undefined {
  return env.get(name);
}

Deno.test("expandWord() tells each variable once when it is used and missed several times", () => {
  const result = expandWord("$a $b ${a} ${b:-$c} $b", lookup, options());
  assertEquals(result, { text: "one two  one two  ", used: ["a"], unknown: ["b", "c"] });
});

Deno.test("expandWords() drops empty words and keeps quoted blanks when it splits", () => {
  assertEquals(expandWords(" $a '' \"$a\"  $empty b\\ c ", lookup, options()).words, ["one", "two", "one two", "b c"]);
});

Deno.test("expandHeredoc() keeps quotes and takes backslashes away when it expands a body", () => {
  assertEquals(
    expandHeredoc("\"$a\" '$a' \\$a\n", lookup, { ...options(), escape: "`" }).text,
    "\"one two\" 'one two' $a\n",
  );
});

Deno.test("expandForShow() keeps quotes and unset variables when it shows a text", () => {
  assertEquals(expandForShow("echo '$a' $a ${b:-c} $d", lookup, options()), "echo '$a' one two ${b:-c} $d");
  assertEquals(expandForShow("echo ${a@Q} 'b", lookup, options()), "echo ${a@Q} 'b");
});

Deno.test("expandWord() points at the substitution when it stands on a later line of the instruction", () => {
  const error = assertThrows(
    () => expandWord("x${b:?no b}y", lookup, options("ENV z=1 \\", "  k=x${b:?no b}y")),
    EngineError,
  );
  assertEquals(error.code, "PARSE_FAILED");
  assertEquals(error.message, 'Cannot expand "${b:?no b}": variable "b" is not set: no b');
  assertEquals(error.detail, {
    range: { file: "Dockerfile", line: 8, endLine: 8, column: 6, endColumn: 16, source: "  k=x${b:?no b}y" },
    instruction: "ENV",
  });
});

Deno.test("expandWord() points at the whole instruction when the word was put together from several lines", () => {
  const given = options("ENV a=${b\\", "@c}");
  const error = assertThrows(() => expandWord("${b@c}", lookup, given), EngineError);
  assertEquals(error.detail["range"], given.instruction.at);
});

Deno.test("expandWord() refuses a text when it grows too long", () => {
  const error = assertThrows(() => expandWord("$long".repeat(300), lookup, options("ENV")), EngineError);
  assertEquals(error.code, "PARSE_FAILED");
  assertThrows(() => expandWord("${long//x/$long}", lookup, options("ENV")), EngineError, "longer than");
});
