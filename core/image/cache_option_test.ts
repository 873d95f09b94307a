import { assertEquals, assertThrows } from "@std/assert";
import { EngineError, type ErrorCode } from "../errors.ts";
import { parseCacheFrom, parseCacheTo } from "./cache_option.ts";

const digest = `sha256:${"a".repeat(64)}`;

function refusal(read: () => unknown): [ErrorCode, string, string | undefined] {
  const { code, message, hint } = assertThrows(read, EngineError);
  return [code, message, hint];
}

Deno.test("parseCacheFrom() reads registries, folders and a lone name", () => {
  assertEquals(parseCacheFrom("a.io/b:c"), { type: "registry", ref: "a.io/b:c" });
  assertEquals(parseCacheFrom("type=registry,ref=a.io/b"), { type: "registry", ref: "a.io/b" });
  assertEquals(parseCacheFrom(`type=registry,ref=a.io/b@${digest}`), { type: "registry", ref: `a.io/b@${digest}` });
  assertEquals(parseCacheFrom("type=local,src=/c"), { type: "local", src: "/c", name: "latest" });
  assertEquals(parseCacheFrom('type=local,"src=/a,b",tag=x'), { type: "local", src: "/a,b", name: "x" });
  assertEquals(parseCacheFrom(`type=local,src=/c,digest=${digest}`), { type: "local", src: "/c", name: digest });
});

Deno.test("parseCacheTo() reads modes, compression and what is to happen when it fails", () => {
  assertEquals(parseCacheTo("a.io/b:c"), { type: "registry", ref: "a.io/b:c", mode: "min", ignoreError: false });
  assertEquals(
    parseCacheTo("type=registry,ref=a.io/b,mode=max,compression=zstd,compression-level=9,ignore-error=true"),
    { type: "registry", ref: "a.io/b", mode: "max", ignoreError: true, compression: "zstd", compressionLevel: 9 },
  );
  assertEquals(parseCacheTo("type=local,dest=out,tag=x,image-manifest=true,oci-mediatypes=true"), {
    type: "local",
    dest: "out",
    name: "x",
    mode: "min",
    ignoreError: false,
  });
});

Deno.test("parseCacheFrom() and parseCacheTo() throw INVALID_ARGUMENT when the text is wrong", () => {
  const wrong = ["", "type=", "ref=a.io/b", "type=zip,ref=a", "type=registry", "type=registry,ref=", "type=local"];
  const both = [
    ...wrong,
    "type=registry,ref=A B",
    "type=registry,ref=a,ref=b",
    'type=local,"src=a',
    "type=local,,src=a",
  ];
  for (const text of both) {
    assertEquals(refusal(() => parseCacheFrom(text))[0], "INVALID_ARGUMENT", text);
    assertEquals(refusal(() => parseCacheTo(text))[0], "INVALID_ARGUMENT", text);
  }
  assertEquals(refusal(() => parseCacheFrom("type=local,src=a,digest=1"))[0], "INVALID_ARGUMENT");
  for (const more of ["mode=some", "ignore-error=maybe", "compression=lz4", "compression-level=11"]) {
    assertEquals(refusal(() => parseCacheTo(`type=registry,ref=a.io/b,${more}`))[0], "INVALID_ARGUMENT", more);
  }
  assertEquals(refusal(() => parseCacheTo(`type=registry,ref=a.io/b@${digest}`))[0], "INVALID_ARGUMENT");
});

Deno.test("parseCacheFrom() and parseCacheTo() say what there is in place of what there is not", () => {
  for (const type of ["inline", "gha", "s3"]) {
    assertEquals(refusal(() => parseCacheTo(`type=${type},mode=max`)), [
      "UNSUPPORTED",
      `Cannot use --cache-to type=${type}: expected registry or local`,
      "Use type=registry,ref=<name> or type=local,dest=<path>",
    ]);
    assertEquals(
      refusal(() => parseCacheFrom(`type=${type}`))[2],
      "Use type=registry,ref=<name> or type=local,src=<path>",
    );
  }
  assertEquals(refusal(() => parseCacheFrom("type=registry,ref=a,mode=max"))[0], "UNSUPPORTED");
  assertEquals(refusal(() => parseCacheTo("type=registry,ref=a,image-manifest=false"))[0], "UNSUPPORTED");
});
