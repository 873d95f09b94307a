import { assertEquals } from "@std/assert";
import { editDistance, nearestName } from "./suggest.ts";

Deno.test("nearestName() gives the nearest one when several are near", () => {
  assertEquals(nearestName("RUNN", ["USER", "RUN", "ARG"]), "RUN");
  assertEquals(nearestName("chwon", ["from", "chmod", "chown"]), "chown");
});

Deno.test("nearestName() gives none when all are three edits away or the name is too short", () => {
  assertEquals(nearestName("ENTRYPT", ["ENTRYPOINT"]), undefined);
  assertEquals(nearestName("0", ["IO"]), undefined);
  assertEquals(nearestName("x".repeat(1_000_000), ["RUN"]), undefined);
});

Deno.test("editDistance() counts edits when there are fewer than its limit", () => {
  assertEquals(editDistance("kitten", "sitting", 9), 3);
  assertEquals(editDistance("", "ab", 9), 2);
  assertEquals(editDistance("same", "same", 9), 0);
  assertEquals(editDistance("FORM", "FROM", 9), 1);
});
