import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { openRoot, openSnapshotWriter } from "../os/file_system.ts";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { directory, mark, textFile } from "../../tests/helpers/layer_parts.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import { openTestSnapshotter, rawLayer, storedLayers } from "../../tests/helpers/snapshot_fixture.ts";
import {
  checkWork,
  runScript,
  showEverywhere,
  workBase as base,
  type WorkCase,
  workOn,
} from "../../tests/helpers/workspace_fixture.ts";

const ignore = Deno.build.os !== "linux" || isMissing("root");
const call = createTestCall();
const time = { mtime: 1_000_000_000 };

const cases: readonly WorkCase[] = [
  { name: "nothing", script: ":", changes: [] },
  {
    name: "files that are only read",
    script: "cat file d/one >/dev/null; ls -R . >/dev/null; cat link/two",
    changes: [],
  },
  {
    name: "a new file and a new directory",
    script: "echo a >new; mkdir dir; echo b >dir/b",
    changes: ["directory dir", "file dir/b", "file new"],
  },
  { name: "a file that is gone", script: "rm d/one", changes: ["directory d", "whiteout d/one"] },
  {
    name: "a directory that is gone",
    script: "rm -r d",
    changes: ["whiteout d"],
    copied: ["whiteout d", "file x", "hardlink y"],
  },
  { name: "a file that came and went", script: "echo a >d/new; rm d/new; touch -d @1000000000 d", changes: [] },
  {
    name: "a directory in place of a file",
    script: "rm file; mkdir file; echo a >file/a",
    changes: ["directory file", "file file/a"],
  },
  {
    name: "a file in place of a directory",
    script: "rm -r d; echo a >d",
    changes: ["file d"],
    copied: ["file d", "file x", "hardlink y"],
  },
  {
    name: "a directory in place of a symlink",
    script: "rm link; mkdir link; echo a >link/one",
    changes: ["directory link", "file link/one"],
  },
  {
    name: "a symlink in place of a directory",
    script: "rm -r d; ln -s empty d",
    changes: ["symlink d"],
    copied: ["symlink d", "file x", "hardlink y"],
  },
  {
    name: "a symlink that leads elsewhere",
    script: "ln -sfn sub link; touch -h -d @1000000000 link",
    changes: ["symlink link"],
  },
  {
    name: "a directory that was renamed",
    script: "mv d e",
    changes: [
      "whiteout d",
      "directory e",
      "file e/one",
      "directory e/sub",
      "file e/sub/deep",
      "file e/two",
      "file e/z",
    ],
    // Where it is no copy, it is a rename, after which its files are those that they were.
    copied: [
      "whiteout d",
      "directory e",
      "file e/one",
      "directory e/sub",
      "file e/sub/deep",
      "file e/two",
      "file e/z",
      "hardlink x",
      "hardlink y",
    ],
  },
  { name: "a mode", script: "chmod 600 d/one", changes: ["directory d", "file d/one"] },
  {
    name: "an owner",
    script: "chown 3:4 d/one; chown -h 3:4 link",
    changes: ["directory d", "file d/one", "symlink link"],
  },
  {
    name: "a mode of a directory",
    script: "chmod 700 d/sub",
    changes: ["directory d", "directory d/sub"],
  },
  {
    name: "a time of a directory",
    script: "touch -d @5 d/sub",
    changes: ["directory d", "directory d/sub"],
  },
  {
    name: "a time before 1970",
    script: "touch -d @-5.5 d/one d/sub; touch -d @-1000000000 new",
    changes: ["directory d", "file d/one", "directory d/sub", "file new"],
  },
  {
    name: "a capability",
    script: "setcap cap_net_raw+ep d/one",
    changes: ["directory d", "file d/one"],
  },
  {
    name: "extended attributes",
    script: "setfattr -n user.a -v 1 file; setfattr -x user.note empty; setfattr -n user.b d/sub",
    changes: ["directory d", "directory d/sub", "directory empty", "file file"],
  },
  {
    name: "an opaque directory that nothing of survives",
    script: "rm -r d; mkdir d; echo new >d/new",
    changes: ["directory d", "file d/new", "whiteout d/one", "whiteout d/sub", "whiteout d/two", "whiteout d/z"],
    copied: [
      "directory d",
      "file d/new",
      "whiteout d/one",
      "whiteout d/sub",
      "whiteout d/two",
      "whiteout d/z",
      "file x",
      "hardlink y",
    ],
  },
  {
    name: "an opaque directory with survivors, also deeper",
    script: "rm -r d; mkdir -p d/sub; echo new >d/one; echo new >d/sub/other",
    changes: [
      "directory d",
      "file d/one",
      "directory d/sub",
      "whiteout d/sub/deep",
      "file d/sub/other",
      "whiteout d/two",
      "whiteout d/z",
    ],
    copied: [
      "directory d",
      "file d/one",
      "directory d/sub",
      "whiteout d/sub/deep",
      "file d/sub/other",
      "whiteout d/two",
      "whiteout d/z",
      "file x",
      "hardlink y",
    ],
  },
  {
    name: "a file that was opened for writing and not written to",
    script: ": >>file; exec 3<>d/one 3>&-; touch -r file file",
    changes: [],
    copied: ["file file"],
  },
  {
    name: "a change of content that size and time do not show",
    script: "touch -r file ref; printf FILE >file; touch -r ref file; rm ref",
    changes: ["file file"],
  },
  {
    name: "devices and fifos, and no sockets",
    script:
      "mknod c c 1 3; mknod b b 7 70000; mkfifo f; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'",
    changes: ["block b", "char c", "fifo f"],
  },
  {
    name: "a socket in place of a file",
    script: "rm file; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"file\")'",
    changes: ["whiteout file"],
  },
  {
    name: "setuid and sticky bits",
    script: "echo a >a; chown 5 a; chmod 6755 a; mkdir s; chmod 1777 s; chmod 2755 d/sub",
    changes: ["file a", "directory d", "directory d/sub", "directory s"],
  },
  {
    name: "names of all kinds",
    script:
      "touch 'a b' 'ünïcödé' '日本' '😀' -- '-dash' '*' 'back\\slash' '.hidden' 'new\nline'; touch \"$(printf '\\357\\277\\277')\"",
    changes: [
      "file *",
      "file -dash",
      "file .hidden",
      "file a b",
      "file back\\slash",
      "file new\nline",
      "file ünïcödé",
      "file 日本",
      "file \uffff",
      "file 😀",
    ],
  },
  {
    name: "a tree that moved into a directory that was replaced",
    script: "rm -r empty; mkdir empty; mv d empty/d; rm -r empty/d/sub",
    changes: [
      "whiteout d",
      "directory empty",
      "directory empty/d",
      "file empty/d/one",
      "file empty/d/two",
      "file empty/d/z",
    ],
    copied: [
      "whiteout d",
      "directory empty",
      "directory empty/d",
      "file empty/d/one",
      "file empty/d/two",
      "file empty/d/z",
      "hardlink x",
      "hardlink y",
    ],
  },
  {
    name: "a directory whose lower one a layer in between has made opaque",
    layers: [base, [mark("opaque", "d"), textFile("d/two", "again", time)]],
    script: "rm d/two; echo new >d/one",
    changes: ["directory d", "file d/one", "whiteout d/two"],
  },
  {
    name: "files on no layers at all",
    layers: [],
    script: "mkdir -p a/b; echo c >a/b/c; ln a/b/c d; chmod 700 .",
    changes: ["directory a", "directory a/b", "file a/b/c", "hardlink d"],
  },
  { name: "a large file with a hole", script: "truncate -s 3000000 big; echo end >>big", changes: ["file big"] },
];

for (const each of cases) test(`tell of ${each.name}`, () => checkWork(each));

test("have whole seconds, no later than SOURCE_DATE_EPOCH", async () => {
  const script =
    "touch -d @2000000000.75 new d; mkdir dir; echo >dir/a; touch -d @1500000000.5 file; touch -h -d @2000000000 link";
  const result = await workOn(
    "overlay",
    [await rawLayer(...base)],
    (rootfs) => runScript(rootfs, script),
    1_700_000_000,
  );
  const times = result.kept.map((line) => line.replace(/ [0-7]+ \d+:\d+ /, " ")).filter((line) => !line.includes("/"));
  assertEquals(times.map((line) => line.split(" ").slice(0, 3).join(" ")), [
    "directory d @1700000000",
    "directory dir @1700000000",
    "directory empty @1000000000",
    "file file @1500000000",
    "symlink link @1700000000",
    "file new @1700000000",
  ]);
  for (const [way, shown] of Object.entries(await showEverywhere([await rawLayer(...base), result.layer]))) {
    assertEquals(shown, result.kept, way);
  }
});

test("leave nothing of the overlay file system in the kept snapshot, and no fractions of times", async () => {
  await using made = await openTestSnapshotter("overlay");
  const layers = await storedLayers([await rawLayer(...base)]);
  await using workspace = await made.snapshotter.prepare(layers, call);
  runScript(workspace.rootfs, "rm -r d; mkdir d; echo new >d/new; touch file; rm x; touch sub");
  const changes = workspace.finish(undefined, call);
  for await (const _ of changes.entries(call));
  changes.commit("sha256:aa");
  using root = openRoot(changes.top?.path() ?? "");
  using writer = openSnapshotWriter(root.path);
  assertEquals(writer.xattr("d", "trusted.overlay.opaque"), undefined);
  assertEquals([...root.scan("d").names].sort(), ["new", "one", "sub", "two", "z"]);
  assertEquals(root.lstat("d/one")?.type, "char");
  for (const path of ["d", "d/new", "file", "sub"]) assertEquals(root.lstat(path)?.mtimeNanos, 0, path);
});

test("are refused when a name is not UTF-8", async () => {
  const script = "mkdir dir; touch \"dir/$(printf 'caf\\351')\"";
  for (const kind of ["overlay", "copy"] as const) {
    await using made = await openTestSnapshotter(kind);
    await using workspace = await made.snapshotter.prepare([], call);
    runScript(workspace.rootfs, script);
    const read = async (): Promise<void> => {
      for await (const _ of workspace.finish(undefined, call).entries(call));
    };
    const error = await assertRejects(read, EngineError);
    assertEquals(error.message, 'Cannot keep file "dir/caf\\xe9": its name is not UTF-8', kind);
    assertEquals(error.code, "UNSUPPORTED", kind);
  }
});

test("of the root directory itself are not kept", async () => {
  const layers = [await rawLayer(directory(".", { mode: 0o711, uid: 3, mtime: 5 }), ...base)];
  await using made = await openTestSnapshotter("overlay");
  const stored = await storedLayers(layers);
  await using workspace = await made.snapshotter.prepare(stored, call);
  const statOf = (path: string): unknown[] => {
    using root = openRoot(path);
    const stat = root.lstat(".");
    return [stat?.mode, stat?.uid, stat?.mtimeSeconds];
  };
  assertEquals(statOf(workspace.rootfs), [0o711, 3, 5]);
  runScript(workspace.rootfs, "chmod 700 .; chown 9 .; touch new");
  const { top } = workspace.finish(undefined, call);
  if (top === undefined) throw new Error("no state to go on with");
  await using next = await made.snapshotter.prepare([...stored, top], call);
  assertEquals(statOf(next.rootfs), [0o711, 3, 5]);
  await using view = await made.snapshotter.view([...stored, top], call);
  assertEquals(statOf(view.rootfs), [0o711, 3, 5]);
});

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `changes of a workspace ${name}`, ignore, fn });
}
