import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { LayerEntry } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import { type LayerCase, layerConformance } from "../../tests/conformance/layer.ts";
import { buildCopy, copyHook, copyOp, type CopyStep, showCopy } from "../../tests/helpers/copy_step.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import { createLayerContext } from "../../tests/helpers/layer_context.ts";
import { createMemoryTree, directory, file, files, hardlink, symlink } from "../../tests/helpers/memory_tree.ts";
import layerCopy from "./mod.ts";

async function failure(step: CopyStep): Promise<EngineError> {
  return await assertRejects(() => buildCopy(step), EngineError);
}

Deno.test("copy of a file takes the destination as folder or name by slash and by what is there", async () => {
  const source = files({ "a.txt": "A" });
  const table: readonly (readonly [to: string, base: readonly LayerEntry[], shown: readonly string[]])[] = [
    ["/b.txt", [], ["file b.txt = A"]],
    ["/d/", [], ["directory d", "file d/a.txt = A"]],
    ["/d", [directory("d")], ["file d/a.txt = A"]],
    ["/d/", [directory("d")], ["file d/a.txt = A"]],
    ["/x/y/b", [directory("x")], ["directory x/y", "file x/y/b = A"]],
    ["/", [], ["file a.txt = A"]],
    ["/l", [symlink("l", "real/d"), directory("real/d")], ["file real/d/a.txt = A"]],
    ["/l/sub/", [symlink("l", "/real")], ["directory real", "directory real/sub", "file real/sub/a.txt = A"]],
    ["/l", [symlink("l", "gone/b")], ["directory gone", "file gone/b = A"]],
    ["/l", [symlink("l", "../../../f"), file("f", "old")], ["file f = A"]],
    ["/old", [file("old", "O")], ["file old = A"]],
    ["/d", [directory("d"), symlink("d/a.txt", "/etc/passwd")], ["file d/a.txt = A"]],
  ];
  for (const [to, base, shown] of table) {
    assertEquals(
      await showCopy({ source, from: ["a.txt"], to, base }),
      shown,
      `${to} on ${base.map(({ path }) => path)}`,
    );
  }
});

Deno.test("copy of a folder takes what it holds and not the folder", async () => {
  const source = [
    directory("src", { mode: 0o700 }),
    ...files({ "src/a": "A", "src/sub/b": "B" }),
    symlink("src/l", "../../a"),
  ];
  const shown = [
    "directory app",
    "file app/a = A",
    "symlink app/l -> ../../a",
    "directory app/sub",
    "file app/sub/b = B",
  ];
  for (const from of ["src", "src/", "/src/.", "./x/../src"]) {
    assertEquals(await showCopy({ source, from: [from], to: "/app" }), shown, from);
  }
  assertEquals(await showCopy({ source, from: ["src"], to: "/app/", base: [directory("app")] }), shown.slice(1));
  assertEquals(await showCopy({ source, from: ["src/sub"], to: "/" }), ["file b = B"]);
  assertEquals(await showCopy({ source: files({ a: "A" }), from: ["."], to: "/" }), ["file a = A"]);
});

Deno.test("copy of a folder merges with folders below and takes over their metadata", async () => {
  const base = [directory("app/sub", { mode: 0o700, uid: 5 }), file("app/sub/keep", "K"), file("app/sub/b", "old")];
  const source = [directory("sub", { mode: 0o711 }), ...files({ "sub/b": "new" })];
  assertEquals(await showCopy({ source, base, from: ["."], to: "/app" }), [
    "directory app/sub 711",
    "file app/sub/b = new",
  ]);
});

Deno.test("copy rejects CONFLICT when a folder meets a file", async () => {
  const source = files({ "d/x/y": "1", f: "2" });
  assertEquals((await failure({ source, base: files({ app: "" }), from: ["d"], to: "/app" })).code, "CONFLICT");
  assertEquals((await failure({ source, base: files({ "app/x": "" }), from: ["d"], to: "/app" })).code, "CONFLICT");
  assertEquals((await failure({ source, base: [symlink("app/x", "/")], from: ["d"], to: "/app" })).code, "CONFLICT");
  assertEquals((await failure({ source, base: files({ "app/f/z": "" }), from: ["."], to: "/app" })).code, "CONFLICT");
  const error = await failure({ source, base: files({ app: "" }), from: ["f"], to: "/app/" });
  assertEquals(error.message, 'Cannot create directory "/app": "/app" exists and is no directory');
});

Deno.test("copy clamps a source at the root and follows links that are sources themselves", async () => {
  const source = [
    file("x", "X"),
    symlink("l", "/x"),
    symlink("up", "../../../x"),
    symlink("dir", "d"),
    file("d/f", "F"),
    symlink("d/in", "f"),
  ];
  assertEquals(await showCopy({ source, from: ["../../x"], to: "/" }), ["file x = X"]);
  assertEquals(await showCopy({ source, from: ["l"], to: "/" }), ["file l = X"]);
  assertEquals(await showCopy({ source, from: ["up"], to: "/y" }), ["file y = X"]);
  assertEquals(await showCopy({ source, from: ["dir"], to: "/z" }), [
    "directory z",
    "file z/f = F",
    "symlink z/in -> f",
  ]);
  assertEquals(await showCopy({ source, from: ["dir/f"], to: "/" }), ["file f = F"]);
});

Deno.test("copy rejects NOT_FOUND with the most similar name when a source is absent", async () => {
  const source = [...files({ "package.json": "", "src/main.ts": "" }), symlink("broken", "gone")];
  const error = await failure({ source, from: ["/src/mian.ts"], to: "/" });
  assertEquals([error.code, error.message], ["NOT_FOUND", 'Cannot copy "/src/mian.ts": not found']);
  assertEquals(error.hint, 'Check the spelling: "/src/main.ts" is there');
  assertEquals((await failure({ source, from: ["scr/main.ts"], to: "/" })).detail.similar, "/src/main.ts");
  assertStringIncludes((await failure({ source, from: ["target"], to: "/" })).hint ?? "", ".dockerignore");
  assertEquals((await failure({ source, from: ["broken"], to: "/" })).code, "NOT_FOUND");
  assertEquals((await failure({ source, from: ["package.json/x"], to: "/" })).code, "NOT_FOUND");
  assertEquals((await failure({ source, from: ["gone/*.txt"], to: "/" })).code, "NOT_FOUND");
});

Deno.test("copy expands wildcards part by part, each match a source of its own", async () => {
  const source = [
    ...files({ "a1.txt": "1", "a2.txt": "2", "b.md": "3", "d1/x": "x", "d2/y": "y", "d1/s/z": "z", "[q]": "q" }),
    symlink("a3.txt", "b.md"),
    symlink("d3", "d1"),
  ];
  const from = (path: string, to: string): Promise<string[]> => showCopy({ source, from: [path], to });
  assertEquals(await from("a*.txt", "/d/"), [
    "directory d",
    "file d/a1.txt = 1",
    "file d/a2.txt = 2",
    "file d/a3.txt = 3",
  ]);
  assertEquals(await from("d[12]", "/d/"), [
    "directory d",
    "directory d/s",
    "file d/s/z = z",
    "file d/x = x",
    "file d/y = y",
  ]);
  assertEquals(await from("d?/?", "/d/"), ["directory d", "file d/x = x", "file d/y = y", "file d/z = z"]);
  assertEquals(await from("d3/x*", "/d/"), ["directory d", "file d/x = x"]);
  assertEquals(await from("*/none", "/d/"), []);
  assertEquals(await from("**/z", "/d/"), []);
  assertEquals(await from("[[]q]", "/d/"), ["directory d", "file d/[q] = q"]);
  assertEquals((await failure({ source, from: ["a["], to: "/d/" })).code, "INVALID_ARGUMENT");
});

Deno.test("copy takes later sources over earlier ones", async () => {
  const source = [
    directory("one/d", { mode: 0o700 }),
    ...files({ "one/d/f": "1", "one/x": "1" }),
    directory("two/d", { mode: 0o750 }),
    file("two/d/f", "2"),
  ];
  const shown = await showCopy({ source, from: ["one", "two"], to: "/out/" });
  assertEquals(shown, ["directory out", "directory out/d 750", "file out/d/f = 2", "file out/x = 1"]);
  const clash = [file("one/d", "file"), file("two/d/f", "")];
  assertEquals((await failure({ source: clash, from: ["one", "two"], to: "/out/" })).code, "CONFLICT");
  assertEquals((await failure({ source: clash, from: ["two", "one"], to: "/out/" })).code, "CONFLICT");
});

Deno.test("copy of several sources rejects INVALID_ARGUMENT when the destination has no slash at its end", async () => {
  const source = files({ a: "A", b: "B" });
  for (const from of [["a", "b"], ["*"]]) {
    const error = await failure({ source, from, to: "/out" });
    assertEquals([error.code, error.hint], ["INVALID_ARGUMENT", 'Write "/out/" as the destination']);
  }
  assertEquals(await showCopy({ source, from: ["a", "b"], to: "/out", args: { strict: false } }), ["file out = B"]);
});

Deno.test("copy leaves out what --exclude names, relative to a copied folder and by name for wildcards", async () => {
  const source = files({ "d/a.txt": "a", "d/s/b.txt": "b", "d/s/c": "c", "e.txt": "e", f: "f" });
  const exclude = (pattern: string, from: string): Promise<string[]> =>
    showCopy({ source, from: [from], to: "/o/", args: { exclude: pattern.split(" ") } });
  assertEquals(await exclude("*.txt", "d"), ["directory o", "directory o/s", "file o/s/b.txt = b", "file o/s/c = c"]);
  assertEquals(await exclude("**/*.txt", "d"), ["directory o", "directory o/s", "file o/s/c = c"]);
  assertEquals(await exclude("s !s/c", "d"), ["directory o", "file o/a.txt = a", "directory o/s", "file o/s/c = c"]);
  assertEquals(await exclude("*", "d*"), ["directory o"]);
  assertEquals(await exclude("*.txt", "?*"), [
    "directory o",
    "file o/f = f",
    "directory o/s",
    "file o/s/b.txt = b",
    "file o/s/c = c",
  ]);
  assertEquals(await exclude("e.txt", "e.txt"), ["directory o", "file o/e.txt = e"]);
});

Deno.test("copy sets owners and modes, also of folders that it makes, and of links only the owner", async () => {
  const source = [...files({ "d/f": "f" }), symlink("d/l", "f"), directory("d/s")];
  const base = [file("etc/passwd", "web:x:33:44::/:\n")];
  assertEquals(await showCopy({ source, base, from: ["d"], to: "/n/o", args: { chown: "web", chmod: "0640" } }), [
    "directory n 640 33:44",
    "directory n/o 640 33:44",
    "file n/o/f 640 33:44 = f",
    "symlink n/o/l 33:44 -> f",
    "directory n/o/s 640 33:44",
  ]);
  assertEquals(await showCopy({ source, from: ["d/f"], to: "/n/", args: { chmod: "u=rwX,go=" } }), [
    "directory n",
    "file n/f 600 = f",
  ]);
  assertEquals(await showCopy({ source, from: ["d/f"], to: "/", args: { chmod: "", chown: "" } }), ["file f = f"]);
});

Deno.test("copy keeps owners, times and attributes of the source, and gives what it makes no time", async () => {
  const xattrs = { "user.x": new Uint8Array([1, 2]) };
  const source = [file("f", "f", { uid: 7, gid: 8, mtime: 12.5, mode: 0o4755, xattrs })];
  const [made, copied] = await buildCopy({ source, from: ["f"], to: "/d/" });
  assertEquals(made, { type: "directory", path: "d", mode: 0o755, uid: 0, gid: 0, mtime: 0 });
  assertEquals({ ...copied, content: 0 }, {
    type: "file",
    path: "d/f",
    mode: 0o4755,
    uid: 7,
    gid: 8,
    mtime: 12.5,
    xattrs,
    size: 1,
    content: 0,
  });
  const [dated] = await buildCopy({ source, from: ["f"], to: "/d/", sourceDateEpoch: 99 });
  assertEquals(dated?.type === "directory" && dated.mtime, 99);
});

Deno.test("copy keeps hard links inside one source and makes files of links to what is left out", async () => {
  const source = [file("d/a", "A"), hardlink("d/b", "d/a"), hardlink("d/c", "d/a"), file("e/b", "other")];
  assertEquals(await showCopy({ source, from: ["d"], to: "/" }), ["file a = A", "hardlink b -> a", "hardlink c -> a"]);
  assertEquals(await showCopy({ source, from: ["d"], to: "/", args: { exclude: ["a"] } }), [
    "file b = A",
    "hardlink c -> b",
  ]);
  assertEquals(await showCopy({ source, from: ["d", "e"], to: "/" }), [
    "file a = A",
    "file b = other",
    "hardlink c -> a",
  ]);
  const first = [...source, file("z/a", "last")];
  assertEquals(await showCopy({ source: first, from: ["d", "z"], to: "/" }), [
    "file a = last",
    "file b = A",
    "hardlink c -> b",
  ]);
});

Deno.test("copy writes files of the build file with a fixed time and mode", async () => {
  const sources = [{ name: "one", text: "1\n" }, { name: "two", text: "é" }];
  assertEquals(await showCopy({ to: "/d/", args: { sources } }), [
    "directory d",
    "file d/one = 1\n".trim(),
    "file d/two = é",
  ]);
  const args = { sources: sources.slice(0, 1), chmod: "755", chown: "1:2" };
  assertEquals(await showCopy({ to: "/x", args }), ["file x 755 1:2 = 1"]);
  const [entry] = await buildCopy({ to: "/x", args, sourceDateEpoch: 5 });
  assertEquals(entry?.type === "file" && entry.mtime, 5);
});

Deno.test("copy refuses names that would be whiteouts", async () => {
  for (const path of [".wh.x", "d/.wh..wh..opq"]) {
    assertEquals((await failure({ source: files({ [path]: "" }), from: ["."], to: "/" })).code, "UNSUPPORTED");
  }
  assertEquals((await failure({ source: files({ a: "" }), from: ["a"], to: "/.wh.b" })).code, "UNSUPPORTED");
});

Deno.test("copy touches no content before the entry with it is asked for", async () => {
  const touched: string[] = [];
  const lazy = ["a", "b", "c"].map((path): LayerEntry => ({
    type: "file",
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: 0,
    get content(): Uint8Array<ArrayBuffer> {
      touched.push(path);
      return new Uint8Array();
    },
  }));
  const hook = await copyHook("copy");
  const inputs = [createMemoryTree([]), createMemoryTree(lazy)];
  const order: string[] = [];
  for await (const entry of hook.build(copyOp({ from: ["."], to: "/" }), createLayerContext({ inputs }))) {
    order.push(entry.path);
    assertEquals(touched, order);
  }
  assertEquals(order, ["a", "b", "c"]);
});

Deno.test("copy key follows content, modes and matched names, and no time", async () => {
  const hook = await copyHook("copy");
  const keyOf = async (step: CopyStep): Promise<string | undefined> =>
    await hook.contentKey(
      copyOp(step),
      createLayerContext({ inputs: [createMemoryTree([]), createMemoryTree(step.source ?? [])] }),
    );
  const plain = await keyOf({ source: [file("a", "1"), file("b", "2")], from: ["a"] });
  assertEquals(await keyOf({ source: [file("a", "1", { mtime: 77 }), file("b", "changed")], from: ["a"] }), plain);
  const names = await keyOf({ source: [file("a1", "1")], from: ["a*"] });
  const keys = [
    plain,
    names,
    await keyOf({ source: [file("a2", "1")], from: ["a*"] }),
    await keyOf({ source: [file("a", "1", { mode: 0o600 })], from: ["a"] }),
    await keyOf({ source: [file("a", "1", { uid: 1 })], from: ["a"] }),
    await keyOf({ source: [file("a", "9")], from: ["a"] }),
    await keyOf({ source: [], from: ["a*"] }),
  ];
  assertEquals(new Set(keys).size, keys.length);
  const excluded = { from: ["d"], args: { exclude: ["x"] } };
  assertEquals(
    await keyOf({ source: files({ "d/a": "1", "d/x": "1" }), ...excluded }),
    await keyOf({ source: files({ "d/a": "1", "d/x": "2" }), ...excluded }),
  );
});

Deno.test("copy rejects INVALID_ARGUMENT when its arguments are malformed", async () => {
  const table: readonly Readonly<Record<string, never>>[] = [
    { sources: [{ input: 0, path: "a", pattern: false }] },
    { sources: [{ input: 9, path: "a", pattern: false }] },
    { sources: [{ name: "../x", text: "" }] },
    { sources: [null] },
    { dest: 1 },
    { dest: "/a\0b" },
    { exclude: [1] },
    { extract: "maybe" },
    { strict: "yes" },
  ].map((args) => args as unknown as Readonly<Record<string, never>>);
  for (const args of table) {
    assertEquals((await failure({ source: files({ a: "" }), from: ["a"], args })).code, "INVALID_ARGUMENT");
  }
});

Deno.test("layerCopy() throws INVALID_ARGUMENT when its config is unknown or malformed", () => {
  for (const config of [{ maxunpackedbytes: 1 }, { maxUnpackedBytes: 0 }, { maxUnpackedBytes: "1" }]) {
    assertEquals(assertThrows(() => layerCopy(createTestHost(config)), EngineError).code, "INVALID_ARGUMENT");
  }
});

function caseOf(name: string, step: CopyStep, changed: readonly LayerEntry[]): LayerCase {
  const contextOf = (source: readonly LayerEntry[], signal?: AbortSignal): ReturnType<LayerCase["context"]> =>
    createLayerContext({
      inputs: [createMemoryTree(step.base ?? []), createMemoryTree(source)],
      ...(signal && { signal }),
    });
  const source = step.source ?? [];
  return {
    name,
    op: copyOp(step),
    context: (signal) => contextOf(source, signal),
    changed: () => contextOf(changed),
    retimed: () => contextOf(source.map((entry) => ({ ...entry, mtime: 5e8 }))),
  };
}

layerConformance("layer_copy copy", async () => {
  const source = [
    ...files({ "d/a": "A", "d/s/b": "B", "d/s-x": "C", "e.txt": "E" }),
    hardlink("d/z", "d/a"),
    symlink("d/l", "a"),
  ];
  const changed = [...files({ "d/a": "A2", "d/s/b": "B", "d/s-x": "C", "e.txt": "E2" }), symlink("d/l", "a")];
  return {
    hook: await copyHook("copy"),
    cases: [
      caseOf("a folder", { source, from: ["d"], to: "/app" }, changed),
      caseOf("a wildcard", { source, from: ["*.txt"], to: "/app/" }, changed),
      caseOf("with parents", { source, from: ["d/s*", "**/a"], to: "/app/", args: { parents: true } }, changed),
      caseOf("onto what is there", { source, base: files({ "app/s/b": "old" }), from: ["d"], to: "/app" }, changed),
    ],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});
