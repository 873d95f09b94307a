import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { createKit } from "../../core/kit.ts";
import { createLayerContext } from "../../tests/helpers/layer_context.ts";
import { createMemoryTree, file, symlink } from "../../tests/helpers/memory_tree.ts";
import { resolveOwner } from "./owner.ts";

const kit = createKit();
const passwd = "root:x:7:7:root:/root:/bin/sh\nweb:x:33:44:Web:/:\nbroken:x\nbad:x:-1:2::\n1000:x:5:6::\n# no user\n";
const tree = createMemoryTree([
  file("usr/passwd", passwd),
  symlink("etc/passwd", "/usr/passwd"),
  file("etc/group", "staff:x:50:web\nweb:x:99:\nbroken\n"),
]);

Deno.test("resolveOwner() takes numbers as they are and names from the tree", async () => {
  const table: readonly (readonly [text: string, uid: number, gid: number])[] = [
    ["1000", 1000, 1000],
    ["55:66", 55, 66],
    ["root", 0, 0],
    ["root:root", 0, 0],
    ["web", 33, 44],
    ["web:staff", 33, 50],
    ["web:7", 33, 7],
    ["9:staff", 9, 50],
    [":staff", 0, 50],
    ["web:", 33, 0],
    ["4294967294", 4294967294, 4294967294],
  ];
  for (const [text, uid, gid] of table) {
    assertEquals(await resolveOwner(text, { tree, kit }, createLayerContext()), { uid, gid }, text);
  }
});

Deno.test("resolveOwner() rejects NOT_FOUND when a name is unknown or its line malformed", async () => {
  for (const text of ["nobody", "web:nogroup", "broken", "bad", "9:broken"]) {
    const error = await assertRejects(() => resolveOwner(text, { tree, kit }, createLayerContext()), EngineError);
    assertEquals(error.code, "NOT_FOUND", text);
    assertStringIncludes(error.message, "Cannot find");
  }
  const empty = createMemoryTree([]);
  const error = await assertRejects(() => resolveOwner("web", { tree: empty, kit }, createLayerContext()), EngineError);
  assertEquals(error.message, 'Cannot find user "web": not in /etc/passwd of the image being built');
});

Deno.test("resolveOwner() rejects INVALID_ARGUMENT when the text is malformed", async () => {
  for (const text of ["a:b:c", "4294967295", "99999999999999", "a b", "1\n2"]) {
    const error = await assertRejects(() => resolveOwner(text, { tree, kit }, createLayerContext()), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT", text);
  }
});

Deno.test("resolveOwner() rejects INVALID_ARGUMENT when the user file is too big to be one", async () => {
  const huge = createMemoryTree([{
    type: "file",
    path: "etc/passwd",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: 1e12,
    content: () => Promise.reject(new EngineError("INTERNAL", "opened")),
  }]);
  const error = await assertRejects(() => resolveOwner("web", { tree: huge, kit }, createLayerContext()), EngineError);
  assertEquals(error.code, "INVALID_ARGUMENT");
});
