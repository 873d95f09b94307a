import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { parseOutput } from "./output_option.ts";

Deno.test("parseOutput() gives a folder when the text is no list of fields", () => {
  assertEquals(parseOutput("out"), { type: "local", dest: "out" });
  assertEquals(parseOutput("-"), { type: "tar", dest: "-" });
});

Deno.test("parseOutput() reads the fields of each type when they are known", () => {
  assertEquals(parseOutput("type=local,dest=out,platform-split=false"), {
    type: "local",
    dest: "out",
    platformSplit: false,
  });
  assertEquals(parseOutput("type=tar,dest=-"), { type: "tar", dest: "-" });
  assertEquals(parseOutput('type=oci,"name=a:1,b:2",dest=x.tar,tar=true'), {
    type: "oci",
    dest: "x.tar",
    names: ["a:1", "b:2"],
    tar: true,
  });
  assertEquals(parseOutput("type=image,name=a"), { type: "image", names: ["a"] });
  assertEquals(parseOutput("type=cacheonly"), { type: "cacheonly" });
});

Deno.test("parseOutput() gives the store when docker has no destination", () => {
  assertEquals(parseOutput("type=docker"), { type: "image" });
  assertEquals(parseOutput("type=docker,dest=-"), { type: "docker", dest: "-" });
});

Deno.test("parseOutput() throws when the text is wrong", () => {
  const wrong = [
    "",
    "type=",
    "type=zip,dest=a",
    "type=tar",
    "type=local,dest=",
    "type=local,dest=-",
    "type=tar,type=oci",
  ];
  for (const text of [...wrong, "dest=a", "type=oci,dest=a,tar=yes", 'type=oci,"dest=a', "type=tar,,dest=a"]) {
    assertThrows(() => parseOutput(text), EngineError);
  }
  assertEquals(assertThrows(() => parseOutput("type=oci,dest=a,compression=zstd"), EngineError).code, "UNSUPPORTED");
});

Deno.test("parseOutput() reads what is pushed, and how it is compressed", () => {
  assertEquals(parseOutput("type=registry"), { type: "registry", push: {} });
  assertEquals(parseOutput('type=registry,"name=a.io/b,a.io/c",compression=zstd,compression-level=9'), {
    type: "registry",
    names: ["a.io/b", "a.io/c"],
    push: { compression: "zstd", compressionLevel: 9 },
  });
  assertEquals(parseOutput("type=image,push=true"), { type: "image", push: {} });
  assertEquals(parseOutput("type=image,push=false"), { type: "image" });
  for (
    const text of ["type=registry,compression=brotli", "type=registry,compression-level=10", "type=image,push=yes"]
  ) {
    assertEquals(assertThrows(() => parseOutput(text), EngineError).code, "INVALID_ARGUMENT");
  }
});
