import { assert, assertEquals, assertThrows } from "@std/assert";
import { isMissing, peers } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import { errnoOf } from "./errno.ts";
import { type FileSystemKind, openRoot, openRootWriter, type Root } from "./file_system.ts";
import { openLibc } from "./libc.ts";
import { createLibcRoot } from "./libc_root.ts";

const kinds: readonly FileSystemKind[] = openLibc() === undefined ? ["portable"] : ["libc", "portable"];
const isRoot = Deno.build.os !== "windows" && Deno.uid() === 0;

/** Every way to open a root for reading: also as on a kernel without openat2. */
const openers: readonly (readonly [string, (path: string) => Root])[] = [
  ...kinds.map((kind) => [kind, (path: string) => openRoot(path, kind)] as const),
  ...withoutOpenat2(),
];

function withoutOpenat2(): (readonly [string, (path: string) => Root])[] {
  const libc = openLibc();
  return libc === undefined ? [] : [["libc without openat2", (path) => createLibcRoot(path, libc, false)]];
}

async function withDirectory(run: (directory: string) => void | Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function errnoFrom(run: () => unknown): string | undefined {
  return errnoOf(assertThrows(run, EngineError));
}

for (const [kind, open] of openers) {
  Deno.test(`openRoot() lists and describes files when ${kind} serves`, () =>
    withDirectory((directory) => {
      Deno.mkdirSync(`${directory}/sub`, { mode: 0o750 });
      Deno.writeTextFileSync(`${directory}/sub/file`, "hello", { mode: 0o640 });
      Deno.chmodSync(`${directory}/sub/file`, 0o4751);
      Deno.symlinkSync("file", `${directory}/sub/link`);
      Deno.linkSync(`${directory}/sub/file`, `${directory}/sub/other`);
      Deno.utimeSync(`${directory}/sub/file`, 0, new Date(1_600_000_000_250));
      using root = open(directory);
      const scan = root.scan("sub");
      assertEquals([...scan.names].sort(), ["file", "link", "other"]);
      const stat = scan.stat(scan.indexOf("file") ?? -1);
      assertEquals([stat.type, stat.mode, stat.size, stat.links], ["file", 0o4751, 5, 2]);
      assertEquals([stat.mtimeSeconds, stat.mtimeNanos], [1_600_000_000, 250_000_000]);
      assertEquals(root.lstat("sub/file"), stat);
      assertEquals(root.lstat("sub/link")?.type, "symlink");
      assertEquals(root.lstat("sub")?.mode, 0o750);
      assertEquals(root.lstat(".")?.type, "directory");
      assertEquals(root.readLink("sub/link"), "file");
      assertEquals(scan.indexOf("absent"), undefined);
    }));

  Deno.test(`openRoot() reads and seeks when ${kind} serves`, () =>
    withDirectory((directory) => {
      Deno.writeTextFileSync(`${directory}/file`, "0123456789");
      using root = open(directory);
      using file = root.open("file");
      const bytes = new Uint8Array(4);
      file.seek(3);
      assertEquals(file.read(bytes), 4);
      assertEquals(new TextDecoder().decode(bytes), "3456");
      assertEquals(file.read(bytes), 3);
      assertEquals(file.read(bytes), 0);
      assertEquals(file.stat().size, 10);
    }));

  Deno.test(`openRoot() finds nothing when a path is absent and ${kind} serves`, () =>
    withDirectory((directory) => {
      Deno.writeTextFileSync(`${directory}/file`, "");
      using root = open(directory);
      assertEquals(root.lstat("absent"), undefined);
      assertEquals(root.lstat("absent/below"), undefined);
      assertEquals(root.lstat("file/below"), undefined);
      assertEquals(errnoFrom(() => root.open("absent")), "ENOENT");
      assertEquals(errnoFrom(() => root.scan("file")), "ENOTDIR");
    }));

  Deno.test(`openRoot() follows no symlink when one is planted and ${kind} serves`, () =>
    withDirectory((directory) => {
      Deno.mkdirSync(`${directory}/root`);
      Deno.mkdirSync(`${directory}/secret`);
      Deno.writeTextFileSync(`${directory}/secret/key`, "secret");
      Deno.symlinkSync("../secret", `${directory}/root/up`);
      Deno.symlinkSync(`${directory}/secret`, `${directory}/root/absolute`);
      Deno.symlinkSync(`${directory}/secret/key`, `${directory}/root/key`);
      using root = open(`${directory}/root`);
      for (const path of ["up/key", "absolute/key", "key", "up", "absolute"]) {
        const errno = errnoFrom(() => root.open(path));
        assert(errno === "ELOOP" || errno === "ENOTDIR", `${path}: ${errno}`);
      }
      assertThrows(() => root.scan("up"), EngineError);
    }));

  Deno.test(`openRoot() does not wait for a writer when a file is a fifo and ${kind} serves`, () =>
    withDirectory(async (directory) => {
      await new Deno.Command("mkfifo", { args: [`${directory}/fifo`] }).output();
      using root = open(directory);
      assertEquals(root.lstat("fifo")?.type, "fifo");
      if (kind === "portable") assertEquals(errnoFrom(() => root.open("fifo")), "ENXIO");
      else {
        using file = root.open("fifo");
        assertEquals(file.stat().type, "fifo");
      }
    }));

  Deno.test({
    name: `openRoot() names the bytes when a file name is not UTF-8 and ${kind} serves`,
    ignore: isMissing(peers.python),
    fn: () =>
      withDirectory(async (directory) => {
        const script = 'import os, sys; open(os.path.join(sys.argv[1].encode(), b"caf\\xe9 x"), "w")';
        await new Deno.Command("python3", { args: ["-c", script, directory] }).output();
        using root = open(directory);
        const error = assertThrows(() => root.scan("."), EngineError);
        assertEquals(error.code, "UNSUPPORTED");
        if (kind !== "portable") assert(error.message.includes('"caf\\xe9 x"'), error.message);
      }),
  });

  Deno.test(`openRoot() lists names of every kind when ${kind} serves`, () =>
    withDirectory((directory) => {
      const names = [
        "new\nline",
        "sp ace",
        "ünïcödé",
        "日本",
        "😀",
        "back\\slash",
        "-dash",
        "*",
        "x".repeat(255),
        "\u{fffd}",
      ];
      for (const name of names) Deno.writeTextFileSync(`${directory}/${name}`, name);
      using root = open(directory);
      assertEquals([...root.scan(".").names].sort(), [...names].sort());
      for (const name of names) assertEquals(root.lstat(name)?.size, new TextEncoder().encode(name).length);
    }));

  Deno.test(`openRoot() rejects when the directory is absent and ${kind} serves`, () =>
    withDirectory((directory) => {
      assertEquals(errnoFrom(() => open(`${directory}/absent`)), "ENOENT");
      Deno.writeTextFileSync(`${directory}/file`, "");
      assertEquals(errnoFrom(() => open(`${directory}/file`)), "ENOTDIR");
    }));
}

Deno.test({
  name: "openRoot() tells nanoseconds and attributes when libc serves",
  ignore: !kinds.includes("libc"),
  fn: () =>
    withDirectory((directory) => {
      Deno.writeTextFileSync(`${directory}/file`, "");
      using writer = openRootWriter(directory);
      const xattrs = { "user.note": new Uint8Array([0, 255, 1]), "user.empty": new Uint8Array() };
      assertEquals(writer.setAttributes("file", { mode: 0o600, mtime: -1.5, xattrs }), []);
      using root = openRoot(directory);
      const stat = root.lstat("file");
      assertEquals([stat?.mtimeSeconds, stat?.mtimeNanos], [-2, 500_000_000]);
      using file = root.open("file");
      assertEquals(file.xattrs(), { "user.empty": new Uint8Array(), "user.note": new Uint8Array([0, 255, 1]) });
    }),
});

for (const kind of kinds) {
  Deno.test(`openRootWriter() writes files, links and modes when ${kind} serves`, () =>
    withDirectory((directory) => {
      using root = openRootWriter(directory, kind);
      root.makeDirectory("sub");
      {
        using file = root.createFile("sub/file");
        file.write(new TextEncoder().encode("ab"));
        file.skip(3);
        file.end();
      }
      root.symlink("/etc/passwd", "sub/link");
      root.link("sub/file", "sub/other");
      root.setAttributes("sub/file", { mode: 0o6755, mtime: 1_000_000_000.25 });
      root.setAttributes("sub", { mode: 0o711, mtime: 5 });
      assertEquals(Deno.readTextFileSync(`${directory}/sub/file`), "ab\0\0\0");
      const info = Deno.lstatSync(`${directory}/sub/other`);
      assertEquals([(info.mode ?? 0) & 0o7777, info.nlink, info.mtime?.getTime()], [0o6755, 2, 1_000_000_000_250]);
      assertEquals((Deno.lstatSync(`${directory}/sub`).mode ?? 0) & 0o7777, 0o711);
      assertEquals(Deno.readLinkSync(`${directory}/sub/link`), "/etc/passwd");
      root.unlink("sub/link");
      assertEquals(root.lstat("sub/link"), undefined);
    }));

  Deno.test(`openRootWriter() writes nothing through a symlink when ${kind} serves`, () =>
    withDirectory((directory) => {
      Deno.mkdirSync(`${directory}/out`);
      Deno.mkdirSync(`${directory}/victim`);
      Deno.writeTextFileSync(`${directory}/victim/file`, "safe", { mode: 0o644 });
      Deno.symlinkSync("../victim", `${directory}/out/up`);
      Deno.symlinkSync("../victim/file", `${directory}/out/file`);
      using root = openRootWriter(`${directory}/out`, kind);
      assertEquals(errnoFrom(() => root.createFile("file")), "EEXIST");
      assertEquals(errnoFrom(() => root.makeDirectory("up")), "EEXIST");
      for (const path of ["up/new", "up/file"]) {
        assertThrows(() => root.createFile(path), EngineError);
        assertThrows(() => root.makeDirectory(path), EngineError);
        assertThrows(() => root.symlink("x", path), EngineError);
        assertThrows(() => root.unlink(path), EngineError);
        assertThrows(() => root.setAttributes(path, { mode: 0o777, mtime: 0 }), EngineError);
      }
      root.setAttributes("file", { mode: 0o777, mtime: 0 });
      const info = Deno.lstatSync(`${directory}/victim/file`);
      assertEquals([(info.mode ?? 0) & 0o777, info.size], [0o644, 4]);
      assertEquals([...Deno.readDirSync(`${directory}/victim`)].length, 1);
    }));

  Deno.test(`openRootWriter() removes no directory when ${kind} serves`, () =>
    withDirectory((directory) => {
      Deno.mkdirSync(`${directory}/sub`);
      using root = openRootWriter(directory, kind);
      assertEquals(errnoFrom(() => root.unlink("sub")), "EISDIR");
    }));
}

Deno.test({
  name: "openRootWriter() makes devices and owners when root and libc serve",
  ignore: !isRoot || !kinds.includes("libc"),
  fn: () =>
    withDirectory((directory) => {
      using root = openRootWriter(directory);
      root.makeNode("fifo", { type: "fifo", major: 0, minor: 0 });
      root.makeNode("null", { type: "char", major: 1, minor: 3 });
      root.makeNode("big", { type: "block", major: 300, minor: 70_000 });
      root.setAttributes("null", { mode: 0o666, owner: { uid: 4_000_000_000, gid: 7 }, mtime: 1 });
      root.symlink("null", "link");
      root.setAttributes("link", { mode: 0o777, owner: { uid: 5, gid: 6 }, mtime: 2 });
      const device = root.lstat("null");
      assertEquals([device?.type, device?.mode, device?.major, device?.minor], ["char", 0o666, 1, 3]);
      assertEquals([device?.uid, device?.gid, device?.mtimeSeconds], [4_000_000_000, 7, 1]);
      assertEquals([root.lstat("big")?.major, root.lstat("big")?.minor], [300, 70_000]);
      assertEquals([root.lstat("link")?.uid, root.lstat("link")?.mtimeSeconds], [5, 2]);
      using portable = openRoot(directory, "portable");
      assertEquals([portable.lstat("big")?.major, portable.lstat("big")?.minor], [300, 70_000]);
    }),
});
