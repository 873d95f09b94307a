import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { parseNamedContext } from "./context_source.ts";

Deno.test("parseNamedContext() reads images, layouts and what a context can be", () => {
  assertEquals(parseNamedContext("Base=docker-image://alpine:3"), {
    name: "base",
    context: { type: "image", reference: "alpine:3" },
  });
  assertEquals(parseNamedContext("l=oci-layout://./a/b:v1").context, {
    type: "oci-layout",
    path: "./a/b",
    reference: "v1",
  });
  assertEquals(parseNamedContext("l=oci-layout:///a:b/c").context, { type: "oci-layout", path: "/a:b/c" });
  assertEquals(parseNamedContext("l=oci-layout://c@sha256:aa").context, {
    type: "oci-layout",
    path: "c",
    reference: "sha256:aa",
  });
  assertEquals(parseNamedContext("src=../other").context, { type: "directory", path: "../other" });
});

Deno.test("parseNamedContext() throws when name or value is missing", () => {
  for (const text of ["", "a", "=b", "a="]) assertThrows(() => parseNamedContext(text), EngineError);
});
