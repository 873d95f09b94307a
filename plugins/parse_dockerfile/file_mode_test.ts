import { assertEquals } from "@std/assert";
import { isFileMode } from "./file_mode.ts";

Deno.test("isFileMode() takes octal and symbolic modes when chmod would", () => {
  for (
    const text of [
      "0",
      "644",
      "0755",
      "7777",
      "000755",
      "u=rwX,go=rX",
      "+x",
      "a-w",
      "go=u-w",
      "=rw,+X",
      "u+s,o+t",
      "go=",
    ]
  ) {
    assertEquals(isFileMode(text), true, text);
  }
});

Deno.test("isFileMode() refuses what chmod would not take", () => {
  for (
    const text of ["", "8", "17777", "0o755", "-1", "u", "u=rwz", "x=r", "u=r,", ",u=r", "u=r g=r", "755,u+x", "0x1ff"]
  ) {
    assertEquals(isFileMode(text), false, text);
  }
});
