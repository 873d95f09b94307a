import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { decodeName, escapeBytes, escapeText, fieldBytes, hasValidChecksum, readNumber } from "./field.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

Deno.test("readNumber() reads octal digits between blanks and NULs", () => {
  const cases = {
    "0000644\0": 0o644,
    "  644 \0\0": 0o644,
    "00000644": 0o644,
    "\0\0\0\0\0\0\0\0": 0,
    "        ": 0,
    "7\0\0\0\0\0\0\0": 7,
  };
  for (const [text, value] of Object.entries(cases)) assertEquals(readNumber(bytes(text), [0, 8]), value);
  for (const text of ["0000648\0", "-000644\0", "644x\0\0\0\0", "6 44\0\0\0\0", "0x1ff\0\0\0"]) {
    assertEquals(readNumber(bytes(text), [0, 8]), undefined);
  }
});

Deno.test("readNumber() reads base-256 numbers as far as they are safe integers", () => {
  const of = (...values: number[]): number | undefined => readNumber(new Uint8Array(values), [0, values.length]);
  assertEquals(of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2), 258);
  assertEquals(of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe), -2);
  assertEquals(of(0x80, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Number.MAX_SAFE_INTEGER);
  assertEquals(of(0x80, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0), undefined);
  assertEquals(of(0xbf, 255, 255, 255, 255, 255, 255, 255), undefined);
  assertEquals(of(0xc0, 0, 0, 0, 0, 0, 0, 0), undefined);
});

Deno.test("fieldBytes() ends at the first NUL or where the field does", () => {
  assertEquals([
    fieldBytes(bytes("abc\0def"), [0, 7]),
    fieldBytes(bytes("abcdef"), [1, 3]),
    fieldBytes(bytes("abc\0"), [0, 2]),
  ], [bytes("abc"), bytes("bcd"), bytes("ab")]);
});

Deno.test("decodeName() takes UTF-8 only, and keeps a byte order mark", () => {
  assertEquals(["a", "äß", "😀", "\ufeffa", ""].map((text) => decodeName(bytes(text))), [
    "a",
    "äß",
    "😀",
    "\ufeffa",
    "",
  ]);
  for (const hex of ["ff", "c3", "eda080", "c080", "f4908080"]) {
    assertThrows(() => decodeName(Uint8Array.fromHex(hex)), EngineError, "its name is not UTF-8");
  }
});

Deno.test("escapeBytes() and escapeText() show what cannot be printed, and not too much of it", () => {
  assertEquals(escapeBytes(new Uint8Array([0x61, 0x0a, 0xff, 0x22, 0x5c])), "a\\x0a\\xff\\x22\\x5c");
  assertEquals(escapeText('a\n\0"\ud800ä'), 'a\\n\\u0000\\"\\ud800ä');
  assertEquals([escapeBytes(new Uint8Array(1000).fill(0x61)), escapeText("a".repeat(1000))], [
    "a".repeat(256) + "…",
    "a".repeat(256) + "…",
  ]);
});

Deno.test("hasValidChecksum() refuses a block of zeros", () => {
  assertEquals(hasValidChecksum(new Uint8Array(512)), false);
});
