import { assertEquals } from "@std/assert";
import { checkMount, type MountOption, readByteSize } from "./run_mount.ts";

function options(text: string): readonly MountOption[] {
  return text.split(",").map((field) => {
    const [key = "", value] = field.split("=", 2);
    return value === undefined ? { key, isFinal: true } : { key, value, isFinal: !value.includes("$") };
  });
}

for (
  const text of [
    "target=/a",
    "type=cache,id=a,dst=/b,sharing=Private,mode=0700,uid=0,gid=4294967295",
    "type=secret,id=a,required",
    "type=secret,src=a,target=b,env=C",
    "type=ssh,required=false,mode=0600",
    "type=tmpfs,target=/a,size=64m",
    "type=$t,required,size=1,mode=7,sharing=locked",
    "type=cache,sharing=$s,uid=$u",
    "id=,type=bind,target=/a,rw",
  ]
) {
  Deno.test(`checkMount() finds nothing when it reads ${text}`, () =>
    assertEquals(checkMount(options(text)), undefined));
}

for (
  const [text, option] of [
    ["type=Cach", 0],
    ["tpye=bind", 0],
    ["target", 0],
    ["type=cache,sharing=none", 1],
    ["size=1m,type=tmpfs", 0],
    ["type=cache,uid=-1", 1],
    ["type=cache,mode=", 1],
    ["type=cache,ro=2", 1],
    ["from=a$b", 0],
    ["type=bind,uid=1", undefined],
    ["type=tmpfs,sharing=shared", undefined],
    ["type=secret", undefined],
    ["type=secret,id=a,from=b", undefined],
    ["type=secret,id=a,src=b", undefined],
  ] as const
) {
  Deno.test(`checkMount() names the option when it reads ${text}`, () => {
    const problem = checkMount(options(text));
    assertEquals([problem === undefined, problem?.option], [false, option]);
  });
}

Deno.test("readByteSize() reads units of 1024 when they are written in any common form", () => {
  assertEquals(["1", "1b", "1k", "1 KB", "1.5MiB", ".5g", "2T"].map(readByteSize), [
    1,
    1,
    1024,
    1024,
    1.5 * 1024 ** 2,
    0.5 * 1024 ** 3,
    2 * 1024 ** 4,
  ]);
  assertEquals(["", "b", ".", "1x", "-1", "1bb", "1 2", "1kbi"].map(readByteSize), Array(8).fill(undefined));
});
