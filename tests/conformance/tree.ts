import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { Call, Digest, LayerEntry, Tree } from "../../core/contract/mod.ts";
import { EngineError, type ErrorCode } from "../../core/errors.ts";
import { isDigest } from "../../core/oci/digest.ts";
import { collect } from "../../core/stream/collect.ts";
import { directory, file, hardlink, symlink } from "../helpers/memory_tree.ts";

/** A tree of some entries, ready to be tested. */
export interface TreeFixture extends AsyncDisposable {
  /** The tree. */
  readonly tree: Tree;
}

/** Makes a tree of entries, in walk order with parents before children, all owned by 0:0. */
export type OpenTree = (entries: readonly LayerEntry[]) => Promise<TreeFixture>;

const call: Call = { signal: new AbortController().signal, emit: () => {} };
const big = new Uint8Array(700_000).map((_, i) => (i * 7919) % 251);

/**
 * What the trees under test hold: names around the slash, links that climb and loop, modes, sizes, hard links, odd
 * characters.
 */
export const treeEntries: readonly LayerEntry[] = [
  directory("a", { mode: 0o750 }),
  file("a/b", "in a", { mode: 0o640 }),
  file("a-b", "before slash"),
  file("a.txt", "after slash", { mtime: 1_600_000_000 }),
  file("big", big),
  directory("deep"),
  directory("deep/er"),
  file("deep/er/first", "linked", { mode: 0o755 }),
  hardlink("deep/er/second", "deep/er/first"),
  directory("empty", { mode: 0o1777 }),
  file("empty-file", ""),
  directory("etc"),
  file("etc/passwd", "inside"),
  hardlink("later", "deep/er/first"),
  directory("links"),
  symlink("links/absolute", "/etc/passwd"),
  symlink("links/climbing", "../../../../etc"),
  symlink("links/dangling", "absent/x"),
  symlink("links/folder", "../deep/er"),
  symlink("links/loop", "loop"),
  file("new\nline", "odd"),
  file("ünï 日本", "unicode"),
  file("\u{ffff}", "high"),
  file("😀", "higher"),
];

const allPaths = treeEntries.map(({ path }) => path);

/** Registers the tests that every {@linkcode Tree} has to pass. */
export function treeConformance(name: string, open: OpenTree): void {
  const test = (title: string, check: (tree: Tree) => Promise<void>): void => {
    Deno.test(`${name} ${title}`, async () => {
      await using fixture = await open(treeEntries);
      await check(fixture.tree);
    });
  };
  test("walk() yields everything in path order, later names of a file as hard links", checkWalk);
  test("walk() yields the same metadata and bytes as it was made of", checkEntries);
  test("walk() leaves out what patterns say, and keeps folders of what is re-included", checkExclude);
  test("walk() does not follow the path it is given", checkWalkOfLink);
  test("stat() and lstat() follow links inside the root", checkStat);
  test("resolve() keeps parts from the first absent one on and rejects loops", checkResolve);
  test("list() gives names in bytewise order", checkList);
  test("read() gives a file's bytes", checkRead);
  test("digest() follows content and place, not the path", checkDigest);
  test("digest(), list(), read() and walk() reject NOT_FOUND when a path is absent", checkAbsent);
  Deno.test(`${name} digest() changes with each thing it covers, and with nothing else`, () =>
    checkDigestChanges(open));
}

/** Digests of several parts of a tree of {@linkcode treeEntries}: the same for every implementation. */
export async function digestParts(tree: Tree): Promise<Record<string, Digest>> {
  const parts: Record<string, Digest> = {};
  for (const path of [".", "a", "a/b", "deep", "deep/er/second", "links", "links/loop", "empty", "big"]) {
    parts[path] = await tree.digest(path, {}, call);
  }
  parts.excluded = await tree.digest(".", { exclude: ["**/er", "!deep/er/second", "links"] }, call);
  return parts;
}

async function walkPaths(tree: Tree, path = ".", exclude: readonly string[] = []): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of tree.walk(path, { exclude }, call)) paths.push(entry.path);
  return paths;
}

async function bytesOf(entry: LayerEntry): Promise<Uint8Array> {
  assert(entry.type === "file", `"${entry.path}" is a ${entry.type}`);
  const { content } = entry;
  return content instanceof Uint8Array ? content : await collect(await content(), 1 << 30);
}

async function rejectsWith(code: ErrorCode, run: () => Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(run, EngineError)).code, code);
}

async function checkWalk(tree: Tree): Promise<void> {
  assertEquals(await walkPaths(tree), allPathsInOrder());
  const links: string[] = [];
  for await (const entry of tree.walk(".", {}, call)) {
    if (entry.type === "hardlink") links.push(`${entry.path} ${entry.target}`);
  }
  assertEquals(links, ["deep/er/second deep/er/first", "later deep/er/first"]);
  assertEquals(await walkPaths(tree, "deep"), ["deep", "deep/er", "deep/er/first", "deep/er/second"]);
  assertEquals(await walkPaths(tree, "later"), ["later"]);
  for await (const entry of tree.walk("later", {}, call)) assertEquals(entry.type, "file");
}

function allPathsInOrder(): string[] {
  const encoder = new TextEncoder();
  const key = (path: string): string => path.split("/").map((part) => encoder.encode(part).toHex()).join("/");
  return allPaths.toSorted((a, b) => {
    const x = key(a).split("/");
    const y = key(b).split("/");
    for (const [i, part] of x.entries()) {
      const other = y[i];
      if (other === undefined) return 1;
      if (part !== other) return part < other ? -1 : 1;
    }
    return x.length - y.length;
  });
}

async function checkEntries(tree: Tree): Promise<void> {
  const expected = new Map(treeEntries.map((entry) => [entry.path, entry]));
  for await (const entry of tree.walk(".", {}, call)) {
    const made = expected.get(entry.path);
    assert(made !== undefined && !("opaque" in made));
    assertEquals(entry.type, made.type);
    if (made.type === "hardlink" || made.type === "whiteout" || made.type === "opaque") continue;
    assert(entry.type === made.type);
    if (made.type !== "symlink") {
      assertEquals([entry.mode, Math.floor(entry.mtime)], [made.mode, made.mtime], made.path);
    }
    assertEquals([entry.uid, entry.gid], [0, 0]);
    if (made.type === "symlink" && entry.type === "symlink") assertEquals(entry.target, made.target);
    if (made.type === "file" && entry.type === "file") {
      assertEquals(entry.size, made.size);
      assertEquals(await bytesOf(entry), await bytesOf(made));
      assertEquals(await bytesOf(entry), await bytesOf(made), "a second time");
    }
  }
}

async function checkExclude(tree: Tree): Promise<void> {
  assertEquals(await walkPaths(tree, ".", ["*", "!deep/er/second", "!links/loop"]), [
    "deep",
    "deep/er",
    "deep/er/second",
    "links",
    "links/loop",
  ]);
  assertEquals(await walkPaths(tree, "deep", ["er/first"]), ["deep", "deep/er", "deep/er/second"]);
  assertEquals(await walkPaths(tree, "deep", ["deep"]), ["deep", "deep/er", "deep/er/first", "deep/er/second"]);
  assertEquals(await walkPaths(tree, "deep", ["*"]), ["deep"]);
  assertEquals(await walkPaths(tree, "a.txt", ["*"]), ["a.txt"]);
  const found = await Array.fromAsync(tree.walk("deep", { exclude: ["er/first"] }, call));
  assertEquals(found.at(-1)?.type, "file");
}

async function checkWalkOfLink(tree: Tree): Promise<void> {
  assertEquals(await walkPaths(tree, "links/folder"), ["links/folder"]);
  assertEquals(await walkPaths(tree, "links/folder/first"), ["deep/er/first"]);
}

async function checkStat(tree: Tree): Promise<void> {
  const root = await tree.stat(".", call);
  assertEquals([root?.path, root?.type], [".", "directory"]);
  assertEquals((await tree.stat("/links/absolute", call))?.path, "etc/passwd");
  assertEquals((await tree.stat("links/climbing/passwd", call))?.path, "etc/passwd");
  assertEquals((await tree.stat("../../etc/../etc/passwd", call))?.path, "etc/passwd");
  assertEquals((await tree.stat("links/folder/", call))?.path, "deep/er");
  assertEquals(await tree.stat("links/dangling", call), undefined);
  assertEquals(await tree.stat("etc/passwd/below", call), undefined);
  await rejectsWith("INVALID_ARGUMENT", () => tree.stat("links/loop", call));
  const link = await tree.lstat("links/folder", call);
  assert(link?.type === "symlink");
  assertEquals(link.target, "../deep/er");
  const second = await tree.lstat("links/folder/second", call);
  assert(second?.type === "file");
  assertEquals([second.path, second.mode, second.size], ["deep/er/second", 0o755, 6]);
  assertEquals(await tree.lstat("absent", call), undefined);
}

async function checkResolve(tree: Tree): Promise<void> {
  assertEquals(await tree.resolve("", call), ".");
  assertEquals(await tree.resolve("/", call), ".");
  assertEquals(await tree.resolve("links/folder/../er/./second", call), "deep/er/second");
  assertEquals(await tree.resolve("links/climbing/absent/more", call), "etc/absent/more");
  assertEquals(await tree.resolve("links/dangling", call), "links/absent/x");
  assertEquals(await tree.resolve("links/dangling/../y", call), "links/absent/y");
  await rejectsWith("INVALID_ARGUMENT", () => tree.resolve("links/loop/x", call));
}

async function checkList(tree: Tree): Promise<void> {
  assertEquals(await tree.list("links/folder", call), ["first", "second"]);
  assertEquals(await tree.list("empty", call), []);
  assertEquals((await tree.list(".", call)).slice(-3), ["ünï 日本", "\u{ffff}", "😀"]);
  assertEquals((await tree.list("/", call)).slice(0, 3), ["a", "a-b", "a.txt"]);
}

async function checkRead(tree: Tree): Promise<void> {
  const text = async (path: string): Promise<string> =>
    new TextDecoder().decode(await collect(await tree.read(path, call), 100));
  assertEquals(await text("links/absolute"), "inside");
  assertEquals(await text("later"), "linked");
  assertEquals(await text("empty-file"), "");
  assertEquals(await collect(await tree.read("big", call), 1 << 20), big);
  const entry = await tree.stat("big", call);
  assert(entry?.type === "file");
  const { content } = entry;
  if (!(content instanceof Uint8Array)) {
    assertEquals(await collect(await content(699_990), 100), big.subarray(699_990));
    assertEquals((await collect(await content(700_000), 100)).length, 0);
  }
}

async function checkDigest(tree: Tree): Promise<void> {
  const parts = await digestParts(tree);
  for (const digest of Object.values(parts)) assert(isDigest(digest));
  assertEquals(await digestParts(tree), parts);
  assertEquals(await tree.digest("links/folder/second", {}, call), parts["deep/er/second"]);
  assertEquals(await tree.digest("deep/er/first", {}, call), await tree.digest("later", {}, call));
  const { "deep/er/second": _, ...others } = parts;
  assertEquals(new Set(Object.values(others)).size, Object.keys(others).length);
}

async function checkAbsent(tree: Tree): Promise<void> {
  for (const path of ["absent", "etc/passwd/below", "links/dangling/x"]) {
    await rejectsWith("NOT_FOUND", () => tree.digest(path, {}, call));
    await rejectsWith("NOT_FOUND", () => tree.list(path, call));
    await rejectsWith("NOT_FOUND", () => tree.read(path, call));
    await rejectsWith("NOT_FOUND", () => walkPaths(tree, path));
  }
  await rejectsWith("NOT_FOUND", () => tree.list("a.txt", call));
  await rejectsWith("NOT_FOUND", () => tree.read("deep", call));
}

async function checkDigestChanges(open: OpenTree): Promise<void> {
  const digestOf = async (entries: readonly LayerEntry[]): Promise<Digest> => {
    await using fixture = await open([directory("top"), ...entries]);
    return await fixture.tree.digest("top", {}, call);
  };
  const base = await digestOf([file("top/f", "x"), symlink("top/l", "f")]);
  assertEquals(await digestOf([file("top/f", "x", { mtime: 5 }), symlink("top/l", "f", { mtime: 7 })]), base);
  const others: LayerEntry[][] = [
    [file("top/f", "y"), symlink("top/l", "f")],
    [file("top/f", "x", { mode: 0o600 }), symlink("top/l", "f")],
    [file("top/g", "x"), symlink("top/l", "f")],
    [file("top/f", "x"), symlink("top/l", "g")],
    [file("top/f", "x"), file("top/l", "f")],
    [file("top/f", "x")],
    [file("top/f", "x"), hardlink("top/h", "top/f"), symlink("top/l", "f")],
    [file("top/f", "x"), file("top/h", "x"), symlink("top/l", "f")],
    [directory("top/d"), file("top/f", "x"), symlink("top/l", "f")],
  ];
  const seen = new Set([base]);
  for (const entries of others) {
    const digest = await digestOf(entries);
    assertNotEquals(digest, base);
    seen.add(digest);
  }
  assertEquals(seen.size, others.length + 1);
}
