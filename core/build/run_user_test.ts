import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { openRoot } from "../os/file_system.ts";
import { findUser, type RunUser } from "./run_user.ts";

const passwd = [
  "root:x:0:0:root:/root:/bin/sh",
  "app:x:1000:1001:App:/home/app:/bin/sh",
  "nohome:x:1002:1002::",
  "7:x:8:8:a number for a name:/seven:",
  "broken:x:word:1:::",
  "short",
  "",
].join("\n");
const group = [
  "root:x:0:",
  "app:x:1001:",
  "disk:x:6:other,app",
  "audio:x:29:app",
  "twice:x:29:app",
  "own:x:1001:app",
  "wrong:x:-1:app",
].join("\n");

async function find(
  text: string,
  files: { readonly passwd?: string; readonly group?: string } = { passwd, group },
): Promise<RunUser> {
  const directory = await Deno.makeTempDir();
  try {
    Deno.mkdirSync(`${directory}/etc`);
    for (const [name, content] of Object.entries(files)) Deno.writeTextFileSync(`${directory}/etc/${name}`, content);
    using root = openRoot(directory);
    return findUser(root, text);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const cases: readonly (readonly [text: string, user: RunUser])[] = [
  ["", { uid: 0, gid: 0, groups: [0], home: "/root" }],
  ["root", { uid: 0, gid: 0, groups: [0], home: "/root" }],
  ["app", { uid: 1000, gid: 1001, groups: [1001, 6, 29], home: "/home/app" }],
  ["1000", { uid: 1000, gid: 1001, groups: [1001, 6, 29], home: "/home/app" }],
  ["app:", { uid: 1000, gid: 1001, groups: [1001, 6, 29], home: "/home/app" }],
  ["app:disk", { uid: 1000, gid: 6, groups: [6], home: "/home/app" }],
  ["app:77", { uid: 1000, gid: 77, groups: [77], home: "/home/app" }],
  ["5000", { uid: 5000, gid: 0, groups: [0], home: "/" }],
  ["5000:5001", { uid: 5000, gid: 5001, groups: [5001], home: "/" }],
  ["nohome", { uid: 1002, gid: 1002, groups: [1002], home: "/" }],
  ["7", { uid: 7, gid: 0, groups: [0], home: "/" }],
  ["4294967294", { uid: 4_294_967_294, gid: 0, groups: [0], home: "/" }],
];
for (const [text, user] of cases) {
  Deno.test(`findUser() knows who "${text}" is`, async () => assertEquals(await find(text), user));
}

Deno.test("findUser() takes numbers where there are no files, and rejects NOT_FOUND for names that are not there", async () => {
  assertEquals(await find("12:34", {}), { uid: 12, gid: 34, groups: [34], home: "/" });
  for (const text of ["absent", "12:absent", "4294967295", "-1", "1e3", " 1", "broken", "app:word"]) {
    const error = await find(text).then(() => undefined, (error) => error);
    assertEquals(error instanceof EngineError && error.code, "NOT_FOUND", text);
  }
});

Deno.test("findUser() follows symlinks inside the root and reads nothing but files", async () => {
  const directory = await Deno.makeTempDir();
  try {
    Deno.mkdirSync(`${directory}/etc`);
    Deno.mkdirSync(`${directory}/data`);
    Deno.writeTextFileSync(`${directory}/data/passwd`, "planted:x:5:6::/p:\n");
    Deno.symlinkSync("/../../data/passwd", `${directory}/etc/passwd`);
    Deno.mkdirSync(`${directory}/etc/group`);
    using root = openRoot(directory);
    assertEquals(findUser(root, "planted"), { uid: 5, gid: 6, groups: [6], home: "/p" });
    assertThrows(() => findUser(root, "planted:wheel"), EngineError, 'Cannot run as group "wheel"');
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
