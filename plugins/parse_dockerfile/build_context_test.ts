import { assertEquals } from "@std/assert";
import { buildContextOf } from "./build_context.ts";

Deno.test("buildContextOf() finds a context when names differ only in what Docker adds", () => {
  assertEquals(buildContextOf("docker.io/library/alpine:latest", ["alpine"]), "alpine");
  assertEquals(buildContextOf("Base", ["base"]), "base");
  assertEquals(buildContextOf("alpine", ["docker.io/library/alpine"]), "docker.io/library/alpine");
  assertEquals(buildContextOf("alpine:3", ["alpine"]), undefined);
});

Deno.test("buildContextOf() never gives a context when the name is reserved", () => {
  assertEquals(buildContextOf("scratch", ["scratch"]), undefined);
  assertEquals(buildContextOf("context", ["context"]), undefined);
});
