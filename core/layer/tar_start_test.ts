import { assertEquals } from "@std/assert";
import { rawTar } from "../../tests/helpers/raw_tar.ts";
import { isTarStart } from "./tar_start.ts";

Deno.test("isTarStart() tells a tar, also an empty one, from anything else", () => {
  const tar = rawTar([{ name: "a", text: "x" }]);
  assertEquals([tar, new Uint8Array(1024)].map(isTarStart), [true, true]);
  const others = [
    new Uint8Array(0),
    tar.slice(0, 511),
    tar.with(0, 0x62),
    new TextEncoder().encode("FROM x\n".repeat(99)),
  ];
  assertEquals(others.map(isTarStart), [false, false, false, false]);
});
