import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { parseAnnotation } from "./annotation.ts";

Deno.test("parseAnnotation() gives the manifest when no scope is named", () => {
  assertEquals(parseAnnotation("org.example.a=b=c"), [{ scope: "manifest", key: "org.example.a", value: "b=c" }]);
});

Deno.test("parseAnnotation() gives one annotation for each scope when several are named", () => {
  assertEquals(parseAnnotation("index,manifest[linux/arm64]:k=v"), [
    { scope: "index", key: "k", value: "v" },
    { scope: "manifest", platform: { os: "linux", architecture: "arm64" }, key: "k", value: "v" },
  ]);
});

Deno.test("parseAnnotation() keeps a colon of the key when it follows no scope", () => {
  assertEquals(parseAnnotation("urn:example=v"), [{ scope: "manifest", key: "urn:example", value: "v" }]);
});

Deno.test("parseAnnotation() throws when there is no key or an index has a platform", () => {
  for (
    const text of ["", "=v", "novalue", "index[linux/amd64]:k=v", "manifest[what/ever/is/this]:k=v", "manifest:=v"]
  ) {
    assertThrows(() => parseAnnotation(text), EngineError);
  }
});
