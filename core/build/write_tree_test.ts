import { assert, assertEquals, assertRejects } from "@std/assert";
import { isMissing } from "../../tests/helpers/require.ts";
import { createMemoryTree, directory, file, hardlink, symlink } from "../../tests/helpers/memory_tree.ts";
import type { Call, EngineEvent, LayerEntry, Tree } from "../contract/mod.ts";
import { EngineError } from "../errors.ts";
import { asFileUser, canDropFileRights } from "../../tests/helpers/file_user.ts";
import { openLibc } from "../os/libc.ts";
import { openRoot } from "../os/file_system.ts";
import { writeTree, type WrittenTree } from "./write_tree.ts";

const isRoot = Deno.uid() === 0;
const device: LayerEntry = { type: "char", path: "dev", mode: 0o666, uid: 0, gid: 0, mtime: 9, major: 1, minor: 3 };

function callWith(events: EngineEvent[] = []): Call {
  return { signal: new AbortController().signal, emit: (event) => void events.push(event) };
}

async function withTarget(run: (directory: string, outside: string) => Promise<void>): Promise<void> {
  const base = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${base}/outside`);
    await Deno.writeTextFile(`${base}/outside/file`, "safe", { mode: 0o644 });
    await run(`${base}/out`, `${base}/outside`);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

function write(entries: readonly LayerEntry[], directory: string, call: Call = callWith()): Promise<WrittenTree> {
  return writeTree(createMemoryTree(entries), { directory, keepOwners: false }, call);
}

function mode(path: string): number {
  return (Deno.lstatSync(path).mode ?? 0) & 0o7777;
}

Deno.test("writeTree() writes files, folders and links with modes and times when the directory is new", () =>
  withTarget(async (out) => {
    const written = await write([
      directory("sub", { mode: 0o2711, mtime: 1_000_000_000 }),
      file("sub/file", "hello", { mode: 0o4755, mtime: 1_100_000_000.25 }),
      hardlink("sub/other", "sub/file"),
      symlink("sub/link", "/etc/passwd", { mtime: 1_200_000_000 }),
      directory("locked", { mode: 0o500, mtime: 5 }),
      file("locked/file", "x", { mode: 0 }),
    ], out);
    assertEquals(written, { entries: 6, bytes: 6 });
    assertEquals(Deno.readTextFileSync(`${out}/sub/other`), "hello");
    assertEquals(mode(`${out}/sub/file`), 0o4755);
    assertEquals(Deno.lstatSync(`${out}/sub/file`).nlink, 2);
    assertEquals(Deno.lstatSync(`${out}/sub/file`).mtime?.getTime(), 1_100_000_000_250);
    assertEquals([mode(`${out}/sub`), Deno.lstatSync(`${out}/sub`).mtime?.getTime()], [0o2711, 1_000_000_000_000]);
    assertEquals(Deno.readLinkSync(`${out}/sub/link`), "/etc/passwd");
    assertEquals([mode(`${out}/locked`), Deno.lstatSync(`${out}/locked`).mtime?.getTime()], [0o500, 5000]);
    Deno.chmodSync(`${out}/locked`, 0o700);
  }));

Deno.test("writeTree() replaces files and links and merges folders when the directory is in use", () =>
  withTarget(async (out) => {
    await Deno.mkdir(`${out}/sub`, { recursive: true });
    await Deno.writeTextFile(`${out}/sub/kept`, "kept");
    await Deno.writeTextFile(`${out}/sub/file`, "a longer text than the new one");
    await Deno.symlink("kept", `${out}/sub/link`);
    const entries = [directory("sub"), file("sub/file", "new"), file("sub/link", "no link")];
    await write(entries, out);
    await write(entries, out);
    assertEquals(Deno.readTextFileSync(`${out}/sub/file`), "new");
    assertEquals(Deno.readTextFileSync(`${out}/sub/link`), "no link");
    assertEquals(Deno.readTextFileSync(`${out}/sub/kept`), "kept");
  }));

Deno.test("writeTree() writes nothing outside when symlinks are planted", () =>
  withTarget(async (out, outside) => {
    await Deno.mkdir(out);
    await Deno.symlink(outside, `${out}/dir`);
    await Deno.symlink(`${outside}/file`, `${out}/file`);
    await write([
      directory("dir", { mode: 0o777 }),
      file("dir/file", "inside"),
      file("file", "inside", { mode: 0o777 }),
    ], out);
    assertEquals(Deno.readTextFileSync(`${outside}/file`), "safe");
    assertEquals(mode(`${outside}/file`), 0o644);
    assertEquals([...Deno.readDirSync(outside)].length, 1);
    assertEquals(Deno.readTextFileSync(`${out}/dir/file`), "inside");
    assert(Deno.lstatSync(`${out}/dir`).isDirectory && Deno.lstatSync(`${out}/file`).isFile);
  }));

async function* entriesThrough(outside: string): AsyncGenerator<LayerEntry> {
  yield symlink("dir", outside);
  yield file("dir/file", "escaped");
}

Deno.test("writeTree() follows no symlink of the tree itself when one is a parent", () =>
  withTarget(async (out, outside) => {
    const hostile: Tree = Object.create(createMemoryTree([]), {
      walk: { value: (): AsyncIterable<LayerEntry> => entriesThrough(outside) },
    });
    await assertRejects(() => writeTree(hostile, { directory: out, keepOwners: false }, callWith()), EngineError);
    assertEquals(Deno.readTextFileSync(`${outside}/file`), "safe");
  }));

Deno.test("writeTree() rejects CONFLICT when a folder is in the place of a file", () =>
  withTarget(async (out) => {
    await Deno.mkdir(`${out}/file/full`, { recursive: true });
    const error = await assertRejects(() => write([file("file", "x")], out), EngineError);
    assertEquals(error.code, "CONFLICT");
    assert(Deno.lstatSync(`${out}/file/full`).isDirectory);
  }));

Deno.test("writeTree() writes large files with holes when content is opened", () =>
  withTarget(async (out) => {
    const bytes = new Uint8Array(3 * 1024 * 1024 + 5);
    bytes[bytes.length - 1] = 7;
    bytes[1024 * 1024] = 3;
    const open = (): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> =>
      Promise.resolve(ReadableStream.from(
        [bytes.slice(0, 1024 * 1024), bytes.slice(1024 * 1024, 2 * 1024 * 1024), bytes.slice(2 * 1024 * 1024)],
      ));
    const hole = {
      ...file("hole", ""),
      size: 8192,
      content: () => Promise.resolve(ReadableStream.from([new Uint8Array(8192)])),
    };
    const written = await write([
      { ...file("big", ""), size: bytes.length, content: open } as LayerEntry,
      hole as LayerEntry,
    ], out);
    assertEquals(written.bytes, bytes.length + 8192);
    assertEquals(Deno.readFileSync(`${out}/big`), bytes);
    assertEquals(Deno.readFileSync(`${out}/hole`), new Uint8Array(8192));
  }));

Deno.test({
  name: "writeTree() leaves devices out with a warning when they may not be made",
  ignore: isRoot && openLibc() !== undefined && !canDropFileRights(),
  fn: () =>
    withTarget(async (out) => {
      Deno.mkdirSync(out);
      Deno.chmodSync(`${out}/..`, 0o755);
      if (isRoot) Deno.chownSync(out, 65_534, 65_534);
      using _user = isRoot && canDropFileRights() ? asFileUser(65_534) : undefined;
      const events: EngineEvent[] = [];
      const written = await write([device, file("file", "x")], out, callWith(events));
      assertEquals(written.entries, 1);
      assertEquals(events.map((event) => event.type === "warning" && event.code), ["output-device"]);
    }),
});

Deno.test({
  name: "writeTree() sets owners, devices and attributes when it is root",
  ignore: isMissing("root") || openLibc() === undefined,
  fn: () =>
    withTarget(async (out) => {
      const xattrs = { "user.note": new Uint8Array([1, 0, 2]) };
      const tree = createMemoryTree([
        device,
        { type: "fifo", path: "fifo", mode: 0o622, uid: 1, gid: 2, mtime: 3 },
        file("file", "x", { uid: 1000, gid: 2000, mode: 0o4711, xattrs }),
        directory("sub", { uid: 5, gid: 6, mode: 0o3777 }),
        symlink("link", "x", { uid: 7, gid: 8 }),
      ]);
      await writeTree(tree, { directory: out, keepOwners: true }, callWith());
      using root = openRoot(out);
      const owners = (path: string): unknown => {
        const stat = root.lstat(path);
        return [stat?.type, stat?.uid, stat?.gid, stat?.mode];
      };
      assertEquals(owners("dev"), ["char", 0, 0, 0o666]);
      assertEquals(owners("fifo"), ["fifo", 1, 2, 0o622]);
      assertEquals(owners("file"), ["file", 1000, 2000, 0o4711]);
      assertEquals(owners("sub"), ["directory", 5, 6, 0o3777]);
      assertEquals(owners("link"), ["symlink", 7, 8, 0o777]);
      using opened = root.open("file");
      assertEquals(opened.xattrs(), xattrs);
    }),
});

Deno.test("writeTree() rejects CANCELED when the signal aborts", () =>
  withTarget(async (out) => {
    const call = { signal: AbortSignal.abort(), emit: (): void => {} };
    const error = await assertRejects(() => write([file("file", "x")], out, call), EngineError);
    assertEquals(error.code, "CANCELED");
  }));
