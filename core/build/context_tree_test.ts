import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { call, contentOf, openFixture, paths, rejectsWith } from "../../tests/helpers/context_fixture.ts";
import { isMissing, peers } from "../../tests/helpers/require.ts";
import type { Call } from "../contract/mod.ts";
import { openRootWriter, type Root } from "../os/file_system.ts";
import { asFileUser, canDropFileRights } from "../../tests/helpers/file_user.ts";
import { openLibc } from "../os/libc.ts";
import { collect } from "../stream/collect.ts";
import { createContextTree } from "./context_tree.ts";

const isUser = Deno.uid() !== 0;

Deno.test("createContextTree() walks in path order when names sort around the slash", async () => {
  using fixture = openFixture({
    "a/b": "1",
    "a.txt": "2",
    "a-b/c": "3",
    "é": "4",
    "\u{ffff}": "5",
    "😀": "6",
    "B": "7",
  });
  assertEquals(await paths(fixture.tree()), ["B", "a", "a/b", "a-b", "a-b/c", "a.txt", "é", "\u{ffff}", "😀"]);
  assertEquals(await fixture.tree().list(".", call), ["B", "a", "a-b", "a.txt", "é", "\u{ffff}", "😀"]);
  assertEquals(await paths(fixture.tree(), "a"), ["a", "a/b"]);
});

Deno.test("createContextTree() shows files as root's when another owns them", async () => {
  using fixture = openFixture({ "a": "hello" });
  Deno.chmodSync(`${fixture.path}/a`, 0o2751);
  Deno.utimeSync(`${fixture.path}/a`, 0, new Date(1_500_000_000_500));
  if (!isUser) Deno.chownSync(`${fixture.path}/a`, 1234, 5678), Deno.chmodSync(`${fixture.path}/a`, 0o2751);
  const entry = await fixture.tree().stat("a", call);
  assert(entry?.type === "file");
  assertEquals([entry.mode, entry.uid, entry.gid, entry.size, entry.mtime], [0o2751, 0, 0, 5, 1_500_000_000.5]);
  assertEquals(await contentOf(entry), "hello");
  assertEquals(await contentOf(entry), "hello");
  assertEquals(entry.xattrs, {});
});

Deno.test("createContextTree() looks only at what is asked for when folders are left out", async () => {
  using fixture = openFixture({ "keep/a": "1", "node_modules/x/y": "2", "node_modules/keep/z": "3", "b.log": "4" });
  const scanned: string[] = [];
  const root: Root = { ...fixture.root, scan: (at) => (scanned.push(at), fixture.root.scan(at)) };
  const exclude = ["node_modules", "*.log"];
  const tree = createContextTree(root, { exclude, clock: () => new Date() });
  assertEquals(await paths(tree), ["keep", "keep/a"]);
  await tree.digest(".", {}, call);
  assertEquals([...new Set(scanned)].sort(), [".", "keep"]);
  assertEquals(await tree.stat("node_modules/x/y", call), undefined);
  await rejectsWith("NOT_FOUND", () => tree.list("node_modules", call));
  await rejectsWith("NOT_FOUND", () => tree.read("b.log", call));
  await rejectsWith("NOT_FOUND", () => tree.digest("b.log", {}, call));
});

Deno.test("createContextTree() keeps a folder when something in it is re-included", async () => {
  using fixture = openFixture({ "dir/a/keep": "1", "dir/a/drop": "2", "dir/b/drop": "3", "empty/x": "4" });
  const tree = fixture.tree({ exclude: ["dir", "!dir/a/keep", "empty/*", "other", "!other/x"] });
  assertEquals(await paths(tree), ["dir", "dir/a", "dir/a/keep", "empty"]);
  assertEquals((await tree.stat("dir", call))?.type, "directory");
  assertEquals(await tree.stat("dir/b", call), undefined);
  assertEquals(await tree.list("dir", call), ["a"]);
  assertEquals(await paths(tree, "dir", ["a/drop", "b"]), ["dir", "dir/a", "dir/a/keep"]);
  assertEquals(await paths(tree, "dir", ["a"]), ["dir"]);
});

Deno.test("createContextTree() narrows by patterns below the path when a walk has its own", async () => {
  using fixture = openFixture({ "s/a.md": "1", "s/b.ts": "2", "s/t/c.md": "3", "d.md": "4" });
  assertEquals(await paths(fixture.tree(), "s", ["*.md"]), ["s", "s/b.ts", "s/t", "s/t/c.md"]);
  assertEquals(await paths(fixture.tree(), "s", ["**/*.md", "!t/c.md"]), ["s", "s/b.ts", "s/t", "s/t/c.md"]);
  assertEquals(await paths(fixture.tree(), "d.md", ["*"]), ["d.md"]);
  const whole = await fixture.tree().digest("s", {}, call);
  assertNotEquals(await fixture.tree().digest("s", { exclude: ["b.ts"] }, call), whole);
});

Deno.test("createContextTree() follows symlinks inside the context only when they climb", async () => {
  using fixture = openFixture({ "etc/passwd": "inside", "dir/file": "x" });
  Deno.symlinkSync("/etc/passwd", `${fixture.path}/absolute`);
  Deno.symlinkSync("../../../../../etc", `${fixture.path}/dir/up`);
  Deno.symlinkSync("dir", `${fixture.path}/link`);
  Deno.symlinkSync("loop", `${fixture.path}/loop`);
  const tree = fixture.tree();
  assertEquals(await contentOf(await tree.stat("absolute", call)), "inside");
  assertEquals((await tree.stat("dir/up/passwd", call))?.path, "etc/passwd");
  assertEquals(await contentOf(await tree.stat("../../etc/passwd", call)), "inside");
  const link = await tree.lstat("link/up", call);
  assertEquals(link?.type === "symlink" && [link.path, link.target], ["dir/up", "../../../../../etc"]);
  assertEquals(await tree.resolve("link/absent/../x", call), "dir/x");
  await rejectsWith("INVALID_ARGUMENT", () => tree.stat("loop", call));
  assertEquals((await tree.lstat("loop", call))?.type, "symlink");
  assertEquals(await paths(tree, "link"), ["link"]);
  assertEquals(await paths(tree, "link/up"), ["dir/up"]);
  assertEquals(await tree.list("link", call), ["file", "up"]);
  const target = await collect(await tree.read("absolute", call), 100);
  assertEquals(new TextDecoder().decode(target), "inside");
});

Deno.test("createContextTree() yields later names of a file as hard links when it has several", async () => {
  using fixture = openFixture({ "dir/a": "same" });
  Deno.linkSync(`${fixture.path}/dir/a`, `${fixture.path}/dir/b`);
  Deno.linkSync(`${fixture.path}/dir/a`, `${fixture.path}/z`);
  const links: unknown[] = [];
  for await (const entry of fixture.tree().walk(".", {}, call)) {
    links.push([entry.path, entry.type, "target" in entry ? entry.target : ""]);
  }
  assertEquals(links, [["dir", "directory", ""], ["dir/a", "file", ""], ["dir/b", "hardlink", "dir/a"], [
    "z",
    "hardlink",
    "dir/a",
  ]]);
  assertEquals((await fixture.tree().lstat("z", call))?.type, "file");
  const [first] = await Array.fromAsync(fixture.tree().walk("dir", { exclude: ["a"] }, call)).then((all) =>
    all.slice(1)
  );
  assertEquals([first?.path, first?.type], ["dir/b", "file"]);
});

Deno.test("createContextTree() leaves sockets out and keeps fifos when they are in the way", async () => {
  using fixture = openFixture({ "a": "1" });
  const socket = Deno.listen({ transport: "unix", path: `${fixture.path}/socket` });
  await new Deno.Command("mkfifo", { args: [`${fixture.path}/fifo`] }).output();
  const tree = fixture.tree();
  assertEquals(await paths(tree), ["a", "fifo"]);
  assertEquals(await tree.list(".", call), ["a", "fifo"]);
  assertEquals(await tree.stat("socket", call), undefined);
  assertEquals((await tree.stat("fifo", call))?.type, "fifo");
  await rejectsWith("NOT_FOUND", () => tree.read("fifo", call));
  await tree.digest(".", {}, call);
  socket.close();
});

Deno.test({
  name: "createContextTree() shows device numbers when a device is in the context",
  ignore: isMissing("root") || openLibc() === undefined,
  async fn(): Promise<void> {
    using fixture = openFixture();
    using writer = openRootWriter(fixture.path);
    writer.makeNode("null", { type: "char", major: 1, minor: 3 });
    const entry = await fixture.tree().stat("null", call);
    assertEquals(entry?.type === "char" && [entry.major, entry.minor], [1, 3]);
    const before = await fixture.tree().digest(".", {}, call);
    writer.unlink("null");
    writer.makeNode("null", { type: "char", major: 1, minor: 5 });
    assertNotEquals(await fixture.tree().digest(".", {}, call), before);
  },
});

Deno.test({
  name: "createContextTree() counts attributes in when files and folders have them",
  ignore: openLibc() === undefined,
  async fn(): Promise<void> {
    using fixture = openFixture({ "dir/a": "1", "b": "2" });
    using writer = openRootWriter(fixture.path);
    const plain = await fixture.tree().digest(".", {}, call);
    const xattrs = { "user.note": new TextEncoder().encode("x") };
    const seen = new Set([plain]);
    for (const path of ["dir/a", "dir"]) {
      const refused = writer.setAttributes(path, { mode: path === "dir" ? 0o755 : 0o644, mtime: 0, xattrs });
      if (refused.length > 0) return; // this file system has none
      assertEquals(Object.keys((await fixture.tree().stat(path, call))?.type === "file" ? xattrs : xattrs), [
        "user.note",
      ]);
      const digest = await fixture.tree().digest(".", {}, call);
      assert(!seen.has(digest));
      seen.add(digest);
      assertEquals(await fixture.tree({ isForgetful: true }).digest(".", {}, call), digest);
    }
  },
});

Deno.test("createContextTree() gives equal digests when only times and names above differ", async () => {
  const files = { "x/a": "1", "x/b/c": "2" };
  using one = openFixture(files);
  using two = openFixture();
  two.write("y/z/b/c", "2");
  two.write("y/z/a", "1");
  Deno.utimeSync(`${two.path}/y/z/a`, 1, 1);
  const digest = await one.tree().digest("x", {}, call);
  assertEquals(await two.tree().digest("y/z", {}, call), digest);
  assertEquals(await one.tree().digest("x/a", {}, call), await two.tree().digest("y/z/a", {}, call));
  two.write("y/z/a", "3");
  assertNotEquals(await two.tree().digest("y/z", {}, call), digest);
  await rejectsWith("NOT_FOUND", () => one.tree().digest("absent", {}, call));
});

Deno.test({
  name: "createContextTree() names the file when it may not be read",
  ignore: !isUser && !canDropFileRights(),
  async fn(): Promise<void> {
    using fixture = openFixture({ "dir/secret": "x", "closed/y": "z" });
    Deno.chmodSync(`${fixture.path}/dir/secret`, 0);
    Deno.chmodSync(`${fixture.path}/..`, 0o755);
    Deno.chmodSync(`${fixture.path}/closed`, 0);
    const tree = fixture.tree({ exclude: ["closed"] });
    using _user = isUser ? undefined : asFileUser(65_534);
    const error = await rejectsWith("OS_FAILED", () => tree.digest(".", {}, call));
    assertEquals(error.message, 'Cannot read context file "dir/secret": permission denied');
    assertEquals(await paths(fixture.tree({ exclude: ["dir/secret"] }), "dir"), ["dir"]);
    const closed = await rejectsWith("OS_FAILED", () => paths(fixture.tree()));
    assertEquals(closed.message, 'Cannot read context file "closed": permission denied');
    if (isUser) Deno.chmodSync(`${fixture.path}/closed`, 0o700);
  },
});

Deno.test({
  name: "createContextTree() rejects UNSUPPORTED when a name is not UTF-8, unless it is left out",
  ignore: isMissing(peers.python),
  async fn(): Promise<void> {
    using fixture = openFixture({ "dir/a": "1" });
    const script = 'import sys; open(sys.argv[1].encode() + b"/dir/\\xff", "w")';
    await new Deno.Command("python3", { args: ["-c", script, fixture.path] }).output();
    const error = await rejectsWith("UNSUPPORTED", () => paths(fixture.tree()));
    assert(error.message.includes("not UTF-8"), error.message);
    assertEquals(await paths(fixture.tree({ exclude: ["dir"] })), []);
  },
});

Deno.test("createContextTree() reads holes as zeros and large files in pieces when a file is sparse", async () => {
  using fixture = openFixture();
  {
    using file = Deno.openSync(`${fixture.path}/sparse`, { write: true, create: true });
    file.truncateSync(3_000_000);
    file.seekSync(2_999_999, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array([7]));
  }
  const tree = fixture.tree();
  const entry = await tree.stat("sparse", call);
  assert(entry?.type === "file" && !(entry.content instanceof Uint8Array));
  const bytes = await collect(await entry.content(), 3_000_000);
  assertEquals([bytes.length, bytes[0], bytes.at(-1)], [3_000_000, 0, 7]);
  const end = await collect(await entry.content(2_999_998), 10);
  assertEquals([...end], [0, 7]);
  assertEquals((await collect(await entry.content(3_000_000), 10)).length, 0);
});

Deno.test("createContextTree() walks names of every kind when they are UTF-8", async () => {
  const names = ["a b", "line\nbreak", "tab\t", "ünï", "-x", "'q\"", "\\", "*", "[x]"];
  using fixture = openFixture(Object.fromEntries(names.map((name) => [name, name])));
  const found = await paths(fixture.tree());
  assertEquals(found.toSorted(), names.toSorted());
  for (const name of names) assertEquals(await contentOf(await fixture.tree().stat(name, call)), name);
});

Deno.test("createContextTree() walks a directory when it has 100,000 files", async () => {
  using fixture = openFixture();
  for (let i = 0; i < 100_000; i++) {
    if (i === 0) Deno.writeTextFileSync(`${fixture.path}/file`, "");
    else if (i % 10_000 === 0) Deno.linkSync(`${fixture.path}/file`, `${fixture.path}/link-${i}`);
    else Deno.symlinkSync("x", `${fixture.path}/symlink-${i}`);
  }
  let count = 0;
  for await (const _ of fixture.tree().walk(".", {}, call)) count++;
  assertEquals(count, 100_000);
});

Deno.test("createContextTree() rejects CANCELED when the signal aborts", async () => {
  using fixture = openFixture({ "a": "1", "b": "2" });
  const controller = new AbortController();
  const aborted: Call = { signal: controller.signal, emit: () => {} };
  const walk = fixture.tree().walk(".", {}, aborted)[Symbol.asyncIterator]();
  await walk.next();
  controller.abort();
  await rejectsWith("CANCELED", () => walk.next());
  await rejectsWith("CANCELED", () => fixture.tree().digest(".", {}, aborted));
});
