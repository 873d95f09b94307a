import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { call, contentOf, openFixture, paths, rejectsWith } from "../../tests/helpers/context_fixture.ts";

Deno.test("createContextTree() reads no file again when nothing changed", async () => {
  using fixture = openFixture({ "a": "1", "dir/b": "2", "dir/c": "3" });
  const digest = await fixture.tree().digest(".", {}, call);
  assertEquals(fixture.opened, 3);
  assertEquals(await fixture.tree().digest(".", {}, call), digest);
  assertEquals(fixture.opened, 3);
  assertEquals(await fixture.tree({ isForgetful: true }).digest(".", {}, call), digest);
  assertEquals(fixture.opened, 6);
});

Deno.test("createContextTree() reads only what changed when some files did", async () => {
  using fixture = openFixture({ "a": "1", "dir/b": "2", "dir/c": "3" });
  const before = await fixture.tree().digest(".", {}, call);
  fixture.write("dir/b", "changed");
  const after = await fixture.tree().digest(".", {}, call);
  assertNotEquals(after, before);
  assertEquals(fixture.opened, 4);
  assertEquals(await fixture.tree({ isForgetful: true }).digest(".", {}, call), after);
  const opened = fixture.opened;
  await fixture.tree().digest("dir", {}, call);
  await fixture.tree({ exclude: ["a"] }).digest(".", {}, call);
  await fixture.tree().digest("dir/c", {}, call);
  assertEquals(fixture.opened, opened);
});

Deno.test("createContextTree() does not trust a file when it changed just before it was read", async () => {
  using fixture = openFixture({ "a": "1" });
  const now = new Date();
  const before = await fixture.tree({ now }).digest(".", {}, call);
  await fixture.tree({ now }).digest(".", {}, call);
  assertEquals(fixture.opened, 2);
  fixture.write("a", "2");
  assertNotEquals(await fixture.tree({ now }).digest(".", {}, call), before);
});

Deno.test("createContextTree() reads a file once when a walk follows the digest", async () => {
  using fixture = openFixture({ "a": "1", "b": "22" });
  const tree = fixture.tree({ isForgetful: true });
  await tree.digest(".", {}, call);
  await tree.digest(".", {}, call);
  for await (const entry of tree.walk(".", {}, call)) {
    assertEquals(await contentOf(entry), entry.path === "a" ? "1" : "22");
  }
  assertEquals(fixture.opened, 2);
});

Deno.test("createContextTree() rejects CONFLICT when a file changes between walk and read", async () => {
  const changes: Readonly<Record<string, (path: string) => void>> = {
    content: (path) => Deno.writeTextFileSync(path, "other"),
    size: (path) => Deno.writeTextFileSync(path, "longer than before"),
    time: (path) => Deno.utimeSync(path, 5, 5),
    mode: (path) => Deno.chmodSync(path, 0o600),
    vanished: (path) => Deno.removeSync(path),
    replaced: (path) => (Deno.writeTextFileSync(path + ".new", "hello"), Deno.renameSync(path + ".new", path)),
    symlink: (path) => (Deno.removeSync(path), Deno.symlinkSync("/etc/passwd", path)),
    directory: (path) => (Deno.removeSync(path), Deno.mkdirSync(path)),
  };
  for (const [name, change] of Object.entries(changes)) {
    for (const size of [5, 300_000]) {
      using fixture = openFixture({ "dir/file": "hello".padEnd(size, ".") });
      const tree = fixture.tree();
      const [, entry] = await Array.fromAsync(tree.walk(".", {}, call));
      change(`${fixture.path}/dir/file`);
      const error = await rejectsWith("CONFLICT", () => contentOf(entry));
      const state = name === "vanished" ? "it vanished" : "it changed";
      assertEquals(error.message, `Cannot read context file "dir/file": ${state} while it was being read`, name);
    }
  }
});

Deno.test("createContextTree() rejects CONFLICT when a large file changes while it is read", async () => {
  using fixture = openFixture({ "big": "x".repeat(5_000_000) });
  const stream = await fixture.tree().read("big", call);
  const reader = stream.getReader();
  assertEquals((await reader.read()).value?.length, 1024 * 1024);
  fixture.write("big", "y".repeat(5_000_000));
  await rejectsWith("CONFLICT", async () => {
    while (!(await reader.read()).done);
  });
});

Deno.test("createContextTree() rejects CONFLICT when files change between digest and walk", async () => {
  const changes: Readonly<Record<string, (path: string) => void>> = {
    changed: (path) => Deno.writeTextFileSync(`${path}/dir/file`, "other"),
    vanished: (path) => Deno.removeSync(`${path}/dir/file`),
    appeared: (path) => Deno.writeTextFileSync(`${path}/dir/new`, ""),
    changedMode: (path) => Deno.chmodSync(`${path}/dir`, 0o700),
    replaced: (path) => (Deno.removeSync(`${path}/dir`, { recursive: true }), Deno.symlinkSync("/etc", `${path}/dir`)),
  };
  for (const [name, change] of Object.entries(changes)) {
    using fixture = openFixture({ "dir/file": "hello", "dir/ignored": "x" });
    const tree = fixture.tree({ exclude: ["dir/ignored"] });
    await tree.digest(".", {}, call);
    fixture.write("dir/ignored", "changes of what is left out do not count");
    assertEquals(await paths(tree), ["dir", "dir/file"]);
    change(fixture.path);
    const error = await rejectsWith("CONFLICT", () => paths(tree));
    assert(error.message.startsWith('Cannot read context file "dir'), `${name}: ${error.message}`);
    assert(error.hint !== undefined);
  }
});

Deno.test("createContextTree() rejects CONFLICT when one file changes between its digest and its read", async () => {
  using fixture = openFixture({ "a": "1" });
  const tree = fixture.tree();
  await tree.digest("a", {}, call);
  fixture.write("a", "2");
  await rejectsWith("CONFLICT", () => tree.stat("a", call));
  await rejectsWith("CONFLICT", () => tree.read("a", call));
  await rejectsWith("CONFLICT", () => paths(tree, "a"));
});

Deno.test("createContextTree() leads nowhere else when a folder becomes a symlink during a walk", async () => {
  using fixture = openFixture({ "a/x": "1", "b/y": "2" });
  const secret = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${secret}/y`, "secret");
    const walk = fixture.tree().walk(".", {}, call)[Symbol.asyncIterator]();
    assertEquals((await walk.next()).value.path, "a");
    Deno.removeSync(`${fixture.path}/b`, { recursive: true });
    Deno.symlinkSync(secret, `${fixture.path}/b`);
    await rejectsWith("CONFLICT", async () => {
      while (!(await walk.next()).done);
    });
  } finally {
    Deno.removeSync(secret, { recursive: true });
  }
});
