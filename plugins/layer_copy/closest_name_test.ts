import { assertEquals } from "@std/assert";
import { closestName } from "./closest_name.ts";

Deno.test("closestName() gives the name that was probably meant", () => {
  const names = ["package.json", "pnpm-lock.yaml", "src", "README.md"];
  assertEquals(closestName("pakcage.json", names), "package.json");
  assertEquals(closestName("readme.md", names), "README.md");
  assertEquals(closestName("scr", names), "src");
  assertEquals(closestName("target", names), undefined);
  assertEquals(closestName("x", []), undefined);
});

Deno.test("closestName() gives undefined when the wanted name is very long", () => {
  assertEquals(closestName("a".repeat(5000), ["a".repeat(4999)]), undefined);
});
