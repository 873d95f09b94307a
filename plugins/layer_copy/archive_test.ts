import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import type { LayerEntry } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import { layerConformance } from "../../tests/conformance/layer.ts";
import { buildCopy, copyHook, copyOp, type CopyStep, showCopy } from "../../tests/helpers/copy_step.ts";
import { createLayerContext } from "../../tests/helpers/layer_context.ts";
import { createMemoryTree, directory, file, files, symlink } from "../../tests/helpers/memory_tree.ts";
import { gzip, type RawMember, rawTar } from "../../tests/helpers/raw_tar.ts";

const members: readonly RawMember[] = [
  { name: "./", type: "5", mode: 0o700 },
  { name: "./bin/", type: "5", mode: 0o755 },
  { name: "./bin/tool", text: "tool", mode: 0o755 },
  { name: "lib/deep/z", text: "z" },
  { name: "bin/again", type: "1", link: "bin/tool" },
  { name: "l", type: "2", link: "../../etc/passwd" },
];

function adding(bytes: Uint8Array<ArrayBuffer>, step: CopyStep = {}): CopyStep {
  const { args, ...rest } = step;
  return { source: [file("a.bin", bytes)], from: ["a.bin"], to: "/app", ...rest, args: { extract: "auto", ...args } };
}

async function failure(list: readonly RawMember[], step: CopyStep = {}): Promise<EngineError> {
  return await assertRejects(() => buildCopy(adding(rawTar(list), step)), EngineError);
}

const unpacked = [
  "directory app",
  "directory app/bin 7:7",
  "symlink app/l 7:7 -> ../../etc/passwd",
  "directory app/lib",
  "directory app/lib/deep",
  "file app/bin/again 755 7:7 = tool",
  "hardlink app/bin/tool 755 7:7 -> app/bin/again",
  "file app/lib/deep/z 7:7 = z",
];

Deno.test("copy unpacks an archive by its content, whatever its name and compression", async () => {
  const tar = rawTar(members);
  assertEquals((await showCopy(adding(tar))).sort(), [...unpacked].sort());
  assertEquals((await showCopy(adding(await gzip(tar)))).sort(), [...unpacked].sort());
  assertEquals((await showCopy(adding(tar, { args: { extract: "always" } }))).sort(), [...unpacked].sort());
  assertEquals(
    (await showCopy(adding(tar, { args: { extract: "never" }, to: "/app/" })))[1]?.startsWith("file app/a.bin"),
    true,
  );
});

Deno.test("copy takes what is no archive as a file", async () => {
  for (const text of ["", "text", "x".repeat(2000)]) {
    assertEquals(await showCopy(adding(new TextEncoder().encode(text), { to: "/f" })), [`file f = ${text}`.trimEnd()]);
  }
  for (
    const bytes of [
      new Uint8Array(1024),
      await gzip(new TextEncoder().encode("no tar")),
      (await gzip(rawTar(members))).subarray(0, 20),
    ]
  ) {
    const [entry] = await buildCopy(adding(bytes, { to: "/f" }));
    assertEquals([entry?.path, entry?.type === "file" && entry.size], ["f", bytes.length]);
  }
});

Deno.test("copy rejects INVALID_ARGUMENT when the first entry of an archive cannot be unpacked", async () => {
  const cases: readonly (readonly [bytes: Uint8Array<ArrayBuffer>, message: RegExp])[] = [
    [rawTar([{ name: "../x", text: "x" }]), /"\.\.\/x".*outside/],
    [rawTar([{ name: "a", type: "1", link: "../x" }]), /"\.\.\/x".*outside/],
    [rawTar([{ name: "a", text: "x".repeat(2000) }]).subarray(0, 1024), /cut off/],
  ];
  for (const [bytes, message] of cases) {
    for (const extract of ["auto", "always"]) {
      const error = await assertRejects(() => buildCopy(adding(bytes, { args: { extract } })), EngineError);
      assertEquals(error.code, "INVALID_ARGUMENT");
      assertMatch(error.message, message);
    }
  }
});

Deno.test("copy rejects INVALID_ARGUMENT when unpacking was asked for and the file is no archive", async () => {
  const step = adding(new TextEncoder().encode("text"), { args: { extract: "always" } });
  const error = await assertRejects(() => buildCopy(step), EngineError);
  assertEquals(error.message, 'Cannot unpack "/a.bin": it is no archive, expected a tar');
});

Deno.test("copy lets a source say for itself what happens to archives", async () => {
  const source = [file("a.tar", rawTar(members)), file("b.tar", rawTar([{ name: "x", text: "X" }]))];
  const sources = [{ input: 1, path: "a.tar", pattern: false, extract: "never" }, {
    input: 1,
    path: "b.tar",
    pattern: false,
  }];
  const entries = await buildCopy({ source, to: "/app/", args: { sources, extract: "auto" } });
  assertEquals(entries.map(({ path }) => path), ["app", "app/a.tar", "app/x"]);
});

Deno.test("copy gives what it unpacks the owner asked for and no other mode", async () => {
  const shown = await showCopy(adding(rawTar(members), { args: { chown: "5:6", chmod: "0600" } }));
  assertEquals(shown.slice(0, 3), [
    "directory app 5:6",
    "directory app/bin 5:6",
    "symlink app/l 5:6 -> ../../etc/passwd",
  ]);
  assertEquals(shown.includes("file app/bin/again 755 5:6 = tool"), true);
});

Deno.test("copy lets the last of several entries of one name win", async () => {
  const twice: readonly RawMember[] = [
    { name: "f", text: "one" },
    { name: "keeps", type: "1", link: "f" },
    { name: "d/x", text: "x" },
    { name: "f", text: "two" },
    { name: "d", text: "now a file" },
  ];
  assertEquals((await showCopy(adding(rawTar(twice)))).sort(), [
    "directory app",
    "file app/d 7:7 = now a file",
    "file app/f 7:7 = two",
    "file app/keeps 7:7 = one",
  ]);
});

Deno.test("copy replaces what is below an archive's entries and hides what a replaced folder held", async () => {
  const base: LayerEntry[] = [directory("app/d"), file("app/d/old", "o"), symlink("app/l", "d"), file("app/f", "f")];
  const list: readonly RawMember[] = [
    { name: "d", text: "file" },
    { name: "d", type: "5" },
    { name: "l", type: "5" },
    { name: "l/new", text: "n" },
    { name: "f/", type: "5" },
  ];
  assertEquals(await showCopy(adding(rawTar(list), { base })), [
    "directory app/d 644 7:7",
    "opaque app/d",
    "directory app/f 644 7:7",
    "directory app/l 644 7:7",
    "file app/l/new 7:7 = n",
  ]);
});

Deno.test("copy unpacks through links below, inside the folder", async () => {
  const base = [symlink("app/lib", "usr/lib"), directory("app/usr/lib")];
  assertEquals(await showCopy(adding(rawTar([{ name: "lib/x", text: "x" }]), { base })), [
    "file app/usr/lib/x 7:7 = x",
  ]);
  const root = [symlink("lib", "/usr/lib"), directory("usr/lib")];
  assertEquals(await showCopy(adding(rawTar([{ name: "/lib/x", text: "x" }]), { base: root, to: "/" })), [
    "file usr/lib/x 7:7 = x",
  ]);
});

Deno.test("copy refuses an archive that leads out of its folder", async () => {
  const escapes: readonly (readonly RawMember[])[] = [
    [{ name: "ok" }, { name: "../evil" }],
    [{ name: "ok" }, { name: "a/../../evil" }],
    [{ name: "out", type: "2", link: "/etc" }, { name: "out/passwd", text: "x" }],
    [{ name: "up", type: "2", link: "../../.." }, { name: "up/etc/passwd", text: "x" }],
    [{ name: "hard", type: "1", link: "../../etc/shadow" }],
    [{ name: "hard", type: "1", link: "not/there" }],
    [{ name: "self", type: "1", link: "self" }],
    [{ name: "d", type: "5" }, { name: "hard", type: "1", link: "d" }],
    [{ name: "a", type: "2", link: "b" }, { name: "b", type: "2", link: "a" }, { name: "a/x" }],
    [{ name: "d/.wh.other" }],
    [{ name: "d/.wh..wh..opq" }],
    [{ name: ".wh.x/y" }],
    [{ name: "hard", type: "1", link: "etc/passwd" }],
  ];
  for (const list of escapes) {
    const error = await failure([{ name: "first" }, ...list], {
      base: [file("app/etc/passwd", "secret"), file("etc/passwd", "x")],
    });
    assertEquals(error.code, "INVALID_ARGUMENT", JSON.stringify(list));
  }
});

Deno.test("copy rejects CONFLICT when an archive puts something below a file", async () => {
  const error = await failure([{ name: "f", text: "x" }, { name: "f/below", text: "y" }]);
  assertEquals(error.code, "CONFLICT");
  assertEquals((await failure(members, { base: files({ app: "a file" }) })).code, "CONFLICT");
});

Deno.test("copy bounds what an archive unpacks to only when unpacking was asked for", async () => {
  const big: readonly RawMember[] = [{ name: "a", text: "x".repeat(3000) }, { name: "b", text: "y".repeat(3000) }];
  const step = { config: { maxUnpackedBytes: 5000 }, args: { extract: "always" } };
  assertStringIncludes((await failure(big, step)).message, "unpacks to more than 5000 bytes");
  assertEquals((await buildCopy(adding(rawTar(big), { config: { maxUnpackedBytes: 5000 } }))).length, 3);
  const many = Array.from({ length: 20 }, (_, i): RawMember => ({ name: `f${i}` }));
  assertStringIncludes((await failure(many, step)).message, "unpacks to more than 5000 bytes");
});

Deno.test("copy rejects INVALID_ARGUMENT when an archive is damaged after its first entry", async () => {
  const whole = rawTar([{ name: "a", text: "1" }, { name: "b", text: "2" }]);
  const damaged = whole.slice();
  damaged[1024 + 3] = 0xff;
  for (const bytes of [damaged, whole.slice(0, 1024 + 700)]) {
    assertEquals((await assertRejects(() => buildCopy(adding(bytes)), EngineError)).code, "INVALID_ARGUMENT");
  }
});

Deno.test("copy rejects INVALID_ARGUMENT when an archive changes between its two readings", async () => {
  let reads = 0;
  const first = rawTar([{ name: "a", text: "1" }]);
  const second = rawTar([{ name: "a", text: "12" }]);
  const tree = createMemoryTree([file("a.tar", first)]);
  const changing = { ...bind(tree), read: () => Promise.resolve(new Blob([reads++ === 0 ? first : second]).stream()) };
  const context = createLayerContext({ inputs: [createMemoryTree([]), changing] });
  const hook = await copyHook("copy");
  const op = copyOp({ from: ["a.tar"], to: "/app", args: { extract: "auto" } });
  const error = await assertRejects(() => Array.fromAsync(hook.build(op, context)), EngineError);
  assertStringIncludes(error.message, "changed while it was read");
});

Deno.test("copy propagates a failure to read in place of taking a file for no archive", async () => {
  const tree = createMemoryTree([file("a.tar", "x")]);
  const failing = { ...bind(tree), read: () => Promise.reject(new EngineError("OS_FAILED", "Cannot read")) };
  const context = createLayerContext({ inputs: [createMemoryTree([]), failing] });
  const hook = await copyHook("copy");
  const op = copyOp({ from: ["a.tar"], to: "/app", args: { extract: "auto" } });
  assertEquals((await assertRejects(() => Array.fromAsync(hook.build(op, context)), EngineError)).code, "OS_FAILED");
});

function bind(tree: ReturnType<typeof createMemoryTree>): ReturnType<typeof createMemoryTree> {
  return {
    digest: tree.digest.bind(tree),
    resolve: tree.resolve.bind(tree),
    stat: tree.stat.bind(tree),
    lstat: tree.lstat.bind(tree),
    list: tree.list.bind(tree),
    read: tree.read.bind(tree),
    walk: tree.walk.bind(tree),
  };
}

layerConformance("layer_copy copy of an archive", async () => {
  const source = [file("a.tar", rawTar(members))];
  return {
    hook: await copyHook("copy"),
    cases: [{
      name: "a tar",
      op: copyOp({ from: ["a.tar"], to: "/app", args: { extract: "auto" } }),
      context: (signal) =>
        createLayerContext({ inputs: [createMemoryTree([]), createMemoryTree(source)], ...(signal && { signal }) }),
      changed: () =>
        createLayerContext({
          inputs: [createMemoryTree([]), createMemoryTree([file("a.tar", rawTar(members.slice(1)))])],
        }),
    }],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
