import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { unpackLayer } from "../layer/unpack.ts";
import { openRoot, openSnapshotWriter } from "../os/file_system.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { concatBytes } from "../stream/collect.ts";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { directory, hardlink, symlink, textFile } from "../../tests/helpers/layer_parts.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import {
  openTestSnapshotter,
  rawLayer,
  showTree,
  showUnpacked,
  storedLayers,
  tarLayer,
  treeOfLayers,
} from "../../tests/helpers/snapshot_fixture.ts";
import { member, paxMember, tarEnd } from "../../tests/helpers/tar_bytes.ts";

const ignore = Deno.build.os !== "linux" || isMissing("root");
const kinds = ["overlay", "copy"] as const;
const call = createTestCall();

const base = [
  directory("d", { mode: 0o750, uid: 1, gid: 2, mtime: 100, xattrs: { "user.d": Uint8Array.of(1) } }),
  textFile("d/one", "1"),
  textFile("d/two", "2"),
  directory("d/sub", { mtime: 50 }),
  textFile("d/sub/deep", "deep"),
  textFile("file", "file"),
  symlink("link", "d"),
];

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
/** What `setcap cap_net_raw+ep` sets (linux/capability.h, `vfs_cap_data`, revision 2). */
const capability = Uint8Array.fromHex("0100000200200000000000000000000000000000");

test("keeps modes, owners, times and attributes of every kind of file", async () => {
  const facts = { uid: 4_000_000_000, gid: 70_000, mtime: 1_500_000_000 };
  const layer = [
    directory(".", { mode: 0o711, uid: 3, gid: 4, mtime: 12 }),
    directory("d", { ...facts, mode: 0o2775, xattrs: { "user.note": bytes("x"), "user.empty": new Uint8Array() } }),
    textFile("d/setuid", "s", { ...facts, mode: 0o6755 }),
    textFile("d/none", "", { mode: 0 }),
    textFile("d/sticky", "", { mode: 0o1644 }),
    textFile("d/cap", "c", { ...facts, mode: 0o755, xattrs: { "security.capability": capability } }),
    { type: "symlink", path: "d/link", mode: 0o777, ...facts, target: "nowhere" },
    { type: "fifo", path: "d/fifo", ...facts, mode: 0o622 },
    { type: "char", path: "d/null", ...facts, mode: 0o666, major: 1, minor: 3 },
    { type: "block", path: "d/disk", ...facts, mode: 0o660, major: 300, minor: 70_000 },
  ] satisfies readonly LayerEntry[];
  const stored = [await rawLayer(...layer)];
  for (const kind of kinds) assertEquals(await showUnpacked(kind, stored), await showTree(treeOfLayers(stored)), kind);
});

test("keeps what the files of one directory have in common and what they do not", async () => {
  const facts = [[0o644, 0, 0], [0o644, 0, 0], [0o755, 0, 0], [0o666, 0, 0], [0o755, 7, 0], [0o644, 0, 7], [
    0o4755,
    0,
    0,
  ]];
  const files = facts.map(([mode = 0, uid = 0, gid = 0], i) => textFile(`f${i}`, "", { mode, uid, gid }));
  const stored = [await rawLayer(...files, directory("d", { mode: 0o2755, gid: 9 })), await rawLayer(textFile("d/x"))];
  for (const kind of kinds) assertEquals(await showUnpacked(kind, stored), await showTree(treeOfLayers(stored)), kind);
});

test("sets times to the microsecond, before 1970 and after 2038, on files of every kind", async () => {
  const times = [0, -1.5, -1_000_000_000.25, 1_600_000_000.123456, 4_102_444_800, 1.999999];
  const entries = times.flatMap((mtime, i): LayerEntry[] => [
    textFile(`file${i}`, "", { mtime }),
    directory(`dir${i}`, { mtime }),
    textFile(`dir${i}/x`),
    { type: "symlink", path: `link${i}`, mode: 0o777, uid: 0, gid: 0, mtime, target: "x" },
    { type: "fifo", path: `fifo${i}`, mode: 0o600, uid: 0, gid: 0, mtime },
  ]);
  for (const kind of kinds) {
    await using made = await openTestSnapshotter(kind);
    await using view = await made.snapshotter.view(await storedLayers([await rawLayer(...entries)]), call);
    using root = openRoot(view.rootfs);
    for (const [i, mtime] of times.entries()) {
      const [seconds, nanos] = [Math.floor(mtime), Math.round((mtime - Math.floor(mtime)) * 1e6) * 1000];
      for (const name of ["file", "dir", "link", "fifo"]) {
        const stat = root.lstat(`${name}${i}`);
        assertEquals([stat?.mtimeSeconds, stat?.mtimeNanos], [seconds, nanos], `${kind} ${name} ${mtime}`);
      }
    }
  }
});

test("gives the overlay file system no orders that stand in a layer", async () => {
  const names = ["trusted.overlay.opaque", "user.overlay.opaque", "trusted.overlay.redirect", "user.overlay.metacopy"];
  const xattrs = Object.fromEntries(names.map((name) => [name, bytes(name.endsWith("opaque") ? "y" : "/etc")]));
  const layer = [
    directory("d", { xattrs: { ...xattrs, "user.ok": bytes("1"), "trusted.other": bytes("2") } }),
    textFile("d/file", "x", { xattrs: { ...xattrs, "security.selinux": bytes("y") } }),
  ];
  const stored = [await rawLayer(...base), await rawLayer(...layer)];
  for (const kind of kinds) {
    const shown = await showUnpacked(kind, stored);
    assertEquals(shown, await showTree(treeOfLayers(stored)), kind);
    await using made = await openTestSnapshotter(kind);
    await using view = await made.snapshotter.view(await storedLayers(stored), call);
    using writer = openSnapshotWriter(view.rootfs);
    for (const name of [...names, "trusted.other"]) assertEquals(writer.xattr("d", name), undefined, `${kind} ${name}`);
  }
});

test("drops attributes that a directory had below when the layer's own has none", async () => {
  const stored = [await rawLayer(...base), await rawLayer(directory("d"))];
  for (const kind of kinds) assertEquals(await showUnpacked(kind, stored), await showTree(treeOfLayers(stored)), kind);
});

test("makes a file of a terabyte with nothing in it", async () => {
  const size = 2 ** 40;
  const map = `1\n${size - 4}\n4\n`.padEnd(512, "\0");
  const records = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "big" };
  const tar = concatBytes([
    paxMember(Object.entries({ ...records, "GNU.sparse.realsize": `${size}` })),
    member({ name: "GNUSparseFile/big" }, `${map}tail`),
    tarEnd,
  ]);
  for (const kind of kinds) {
    await using made = await openTestSnapshotter(kind);
    const entries = (inner: Call): AsyncIterable<readonly LayerEntry[]> => unpackLayer(streamOf(tar), inner);
    await using view = await made.snapshotter.view([{ diffId: "sha256:a", chainId: "sha256:a", entries }], call);
    using root = openRoot(view.rootfs);
    using file = root.open("big");
    assertEquals(file.stat().size, size, kind);
    const end = new Uint8Array(8);
    file.seek(size - 8);
    assertEquals([file.read(end), new TextDecoder().decode(end)], [8, "\0\0\0\0tail"]);
    assert((Deno.statSync(`${view.rootfs}/big`).blocks ?? 0) < 1000, kind);
  }
});

test("writes nothing outside of its root, wherever names and links of a layer lead", async () => {
  const victim = await Deno.makeTempDir();
  try {
    const layer = await tarLayer(concatBytes([
      member({ name: "up", type: "2", link: "../../../../../../../../../.." }),
      member({ name: "abs", type: "2", link: victim }),
      member({ name: `up${victim}/1` }, "x"),
      member({ name: "abs/2" }, "x"),
      member({ name: `${victim}/3` }, "x"),
      member({ name: "abs/link", type: "2", link: victim }),
      member({ name: "abs/link/4" }, "x"),
      member({ name: "abs/.wh.5" }),
      member({ name: "abs/.wh..wh..opq" }),
      tarEnd,
    ]));
    Deno.writeTextFileSync(`${victim}/5`, "safe");
    for (const kind of kinds) {
      const shown = await showUnpacked(kind, [layer]);
      assertEquals(shown.some((line) => line.includes(`${victim.slice(1)}/3`)), true, kind);
      assertEquals([...Deno.readDirSync(victim)].map(({ name }) => name), ["5"], kind);
    }
  } finally {
    await Deno.remove(victim, { recursive: true });
  }
});

const refused: readonly { readonly name: string; readonly layers: readonly LayerEntry[][]; readonly code: string }[] = [
  { name: "an entry is in a file", layers: [[textFile("a"), textFile("a/b")]], code: "INVALID_ARGUMENT" },
  { name: "an entry is in a file of the layer below", layers: [base, [textFile("file/b")]], code: "INVALID_ARGUMENT" },
  { name: "a hard link leads to a directory", layers: [base, [hardlink("x", "d")]], code: "INVALID_ARGUMENT" },
  { name: "a hard link leads nowhere", layers: [base, [hardlink("x", "y")]], code: "INVALID_ARGUMENT" },
  { name: "a hard link leads to itself", layers: [base, [hardlink("x", "x")]], code: "INVALID_ARGUMENT" },
  {
    name: "symlinks among parents go round",
    layers: [[symlink("a", "b"), symlink("b", "a"), textFile("a/x")]],
    code: "INVALID_ARGUMENT",
  },
  { name: "a name is too long", layers: [[textFile("x".repeat(256))]], code: "OS_FAILED" },
];

for (const { name, layers, code } of refused) {
  test(`rejects ${code} when ${name}`, async () => {
    const stored = await Promise.all(layers.map((entries) => rawLayer(...entries)));
    for (const kind of kinds) {
      const error = await assertRejects(() => showUnpacked(kind, stored), EngineError);
      assertEquals(error.code, code, `${kind}: ${error.message}`);
    }
  });
}

test("rejects UNSUPPORTED when an overlay would take a device of the layer for a whiteout", async () => {
  const device: LayerEntry = { type: "char", path: "d/one", mode: 0o600, uid: 0, gid: 0, mtime: 0, major: 0, minor: 0 };
  const stored = [await rawLayer(...base), await rawLayer(device)];
  assertEquals((await assertRejects(() => showUnpacked("overlay", stored), EngineError)).code, "UNSUPPORTED");
  assertEquals(await showUnpacked("copy", stored), await showTree(treeOfLayers(stored)));
});

test("is canceled between batches", async () => {
  const controller = new AbortController();
  async function* entries(): AsyncGenerator<readonly LayerEntry[]> {
    yield [textFile("a")];
    await Promise.resolve(controller.abort());
    yield [textFile("b")];
  }
  for (const kind of kinds) {
    await using made = await openTestSnapshotter(kind);
    const layer = { diffId: "sha256:a", chainId: "sha256:a", entries } as const;
    const rejected = made.snapshotter.view([layer], createTestCall(controller.signal));
    assertEquals((await assertRejects(() => rejected, EngineError)).code, "CANCELED", kind);
    assertEquals([...Deno.readDirSync(`${made.root}/runs`)], [], kind);
  }
});

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `applyLayer() ${name}`, ignore, fn });
}
