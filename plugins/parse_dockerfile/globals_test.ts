import { assertEquals } from "@std/assert";
import { createKit } from "../../core/kit.ts";
import { parseContext, type ParseInput } from "../../tests/helpers/parse_context.ts";
import { type Globals, platformArgs, readGlobals } from "./globals.ts";
import { readDockerfile } from "./read_dockerfile.ts";

function globalsOf(text: string, input: ParseInput = {}): Globals {
  const kit = createKit();
  const context = parseContext(input);
  const file = readDockerfile({ path: "Dockerfile", text }, kit);
  return readGlobals({ kit, file, buildArgs: context.args, platform: platformArgs(context, "") });
}

Deno.test("platformArgs() gives both platforms and the stage when no argument overrides them", () => {
  const context = parseContext({
    platform: { os: "linux", architecture: "arm", variant: "v7" },
    args: { BUILDOS: "x" },
  });
  assertEquals(Object.fromEntries(platformArgs(context, "app")), {
    BUILDPLATFORM: "linux/amd64",
    BUILDOS: "x",
    BUILDOSVERSION: "",
    BUILDARCH: "amd64",
    BUILDVARIANT: "",
    TARGETPLATFORM: "linux/arm/v7",
    TARGETOS: "linux",
    TARGETOSVERSION: "",
    TARGETARCH: "arm",
    TARGETVARIANT: "v7",
    TARGETSTAGE: "app",
  });
});

Deno.test("readGlobals() expands a default with the arguments above it and not with those below", () => {
  const { values } = globalsOf("ARG A=1\nARG B=$A-$C-$TARGETOS\nARG C=3\nFROM scratch\n");
  assertEquals(values.get("B"), "1--linux");
});

Deno.test("readGlobals() takes a build argument as it is when there is one", () => {
  const { values } = globalsOf("ARG A=1\nARG B=$A\nFROM scratch\n", { args: { A: "$B '" } });
  assertEquals([values.get("A"), values.get("B")], ["$B '", "$B '"]);
});

Deno.test("readGlobals() remembers what a default refers to, also over a redefinition", () => {
  const { declared } = globalsOf("ARG A=1\nARG B=$A\nARG B=x$B\nARG N\nFROM scratch\n");
  assertEquals(declared.get("B")?.uses, ["A"]);
  assertEquals(declared.get("N")?.value, undefined);
});

Deno.test("readGlobals() keeps names that every object has apart from values", () => {
  const { values } = globalsOf("ARG constructor\nARG __proto__=1\nFROM scratch\n");
  assertEquals([values.get("constructor"), values.get("__proto__")], [undefined, "1"]);
});
