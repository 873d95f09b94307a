import { assertEquals } from "@std/assert";
import type { LayerEntry } from "../contract/layer.ts";
import { directory, hardlink, mark, symlink, textFile } from "../../tests/helpers/layer_parts.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import { rawLayer, showTree, showUnpacked, treeOfLayers } from "../../tests/helpers/snapshot_fixture.ts";

const ignore = Deno.build.os !== "linux" || isMissing("root");
const kinds = ["overlay", "copy"] as const;

interface Case {
  readonly name: string;
  readonly layers: readonly (readonly LayerEntry[])[];
  /** Kind, path and content of what comes out; all else is that of the tree from the layers' tables of contents. */
  readonly expected: readonly string[];
  /** Whether the tree is no measure, because it puts entries in another order. */
  readonly isOrdered?: boolean;
}

const meta = { mode: 0o640, uid: 5, gid: 6, mtime: 7 };
const base = [
  directory("d", { mode: 0o750, uid: 1, gid: 2, mtime: 100, xattrs: { "user.d": Uint8Array.of(1) } }),
  textFile("d/one", "1"),
  textFile("d/two", "2"),
  directory("d/sub", { mtime: 50 }),
  textFile("d/sub/deep", "deep"),
  textFile("file", "file"),
  symlink("link", "d"),
];

const cases: readonly Case[] = [
  {
    name: "replaces and adds files, and keeps what directories below are like",
    layers: [base, [textFile("d/one", "new"), textFile("d/sub/more", "more")]],
    expected: [
      "directory d",
      'file d/one 3 "new"',
      "directory d/sub",
      'file d/sub/deep 4 "deep"',
      'file d/sub/more 4 "more"',
      'file d/two 1 "2"',
      'file file 4 "file"',
      "symlink link -> d",
    ],
  },
  {
    name: "hides what a whiteout names, before and after entries beside it",
    layers: [base, [
      mark("whiteout", "d/one"),
      textFile("d/three"),
      mark("whiteout", "d/sub"),
      mark("whiteout", "gone"),
    ]],
    expected: ["directory d", 'file d/three 0 ""', 'file d/two 1 "2"', 'file file 4 "file"', "symlink link -> d"],
  },
  {
    name: "keeps an entry of the layer when a whiteout of its path comes after it",
    layers: [base, [
      textFile("d/one", "own"),
      mark("whiteout", "d/one"),
      textFile("file", "own"),
      mark("whiteout", "file"),
    ]],
    expected: [
      "directory d",
      'file d/one 3 "own"',
      "directory d/sub",
      'file d/sub/deep 4 "deep"',
      'file d/two 1 "2"',
      'file file 3 "own"',
      "symlink link -> d",
    ],
  },
  ...[true, false].map((isBefore): Case => {
    const own = [directory("d", meta), textFile("d/own", "own")];
    const hidden = mark("whiteout", "d");
    return {
      name: `empties a directory when a whiteout of it comes ${isBefore ? "before" : "after"} the layer's own`,
      layers: [base, isBefore ? [hidden, ...own] : [...own, hidden]],
      expected: ["directory d", 'file d/own 3 "own"', 'file file 4 "file"', "symlink link -> d"],
    };
  }),
  ...[0, 1, 2, 3].map((at): Case => {
    const own = [directory("d", meta), textFile("d/two", "own"), directory("d/sub", meta)];
    return {
      name: `hides what an opaque directory had when its mark is entry ${at}`,
      layers: [base, own.toSpliced(at, 0, mark("opaque", "d"))],
      expected: ["directory d", "directory d/sub", 'file d/two 3 "own"', 'file file 4 "file"', "symlink link -> d"],
    };
  }),
  {
    name: "takes the mark of an opaque directory that the layer does not have itself",
    layers: [base, [mark("opaque", "d/sub"), mark("opaque", "absent"), mark("opaque", "file")]],
    expected: [
      "directory d",
      'file d/one 1 "1"',
      "directory d/sub",
      'file d/two 1 "2"',
      'file file 4 "file"',
      "symlink link -> d",
    ],
  },
  {
    name: "hides all that there was when the root is opaque",
    layers: [base, [textFile("d/own", "own"), mark("opaque", "."), textFile("new", "new")]],
    expected: ["directory d", 'file d/own 3 "own"', 'file new 3 "new"'],
  },
  {
    name: "gives implied parents nothing of hidden directories",
    layers: [base, [mark("whiteout", "d"), textFile("d/sub/own", "own")]],
    expected: ["directory d", "directory d/sub", 'file d/sub/own 3 "own"', 'file file 4 "file"', "symlink link -> d"],
  },
  {
    name: "gives implied parents nothing of directories that are hidden later",
    layers: [base, [textFile("d/sub/own", "own"), mark("opaque", "d")]],
    expected: ["directory d", "directory d/sub", 'file d/sub/own 3 "own"', 'file file 4 "file"', "symlink link -> d"],
  },
  {
    name: "hides a directory in which it has hidden something before",
    layers: [base, [mark("whiteout", "d/sub/deep"), mark("whiteout", "d/sub"), mark("whiteout", "d")]],
    expected: ['file file 4 "file"', "symlink link -> d"],
  },
  {
    name: "puts a file in place of a directory, and a directory in place of a file and of a link",
    layers: [base, [textFile("d", "now a file"), directory("file"), textFile("file/x"), directory("link")], [
      textFile("link/y"),
    ]],
    expected: ['file d 10 "now a file"', "directory file", 'file file/x 0 ""', "directory link", 'file link/y 0 ""'],
  },
  {
    name: "makes a directory anew when one layer takes it away and the next has it again",
    layers: [base, [mark("whiteout", "d")], [directory("d", meta), textFile("d/x")]],
    expected: ["directory d", 'file d/x 0 ""', 'file file 4 "file"', "symlink link -> d"],
  },
  {
    name: "keeps the last of several entries of one path",
    layers: [[
      textFile("a", "1"),
      textFile("a", "2"),
      directory("b"),
      textFile("b/x"),
      textFile("b", "file"),
      textFile("c"),
      symlink("c", "a"),
      directory("e", meta),
      textFile("e/x"),
      directory("e", { mode: 0o700 }),
      textFile("f"),
      directory("f"),
      textFile("f/x"),
    ]],
    expected: [
      'file a 1 "2"',
      'file b 4 "file"',
      "symlink c -> a",
      "directory e",
      'file e/x 0 ""',
      "directory f",
      'file f/x 0 ""',
    ],
  },
  {
    name: "shows nothing of a directory below when a file was put in its place on the way",
    layers: [base, [textFile("d"), directory("d"), textFile("d/own", "own")]],
    expected: ["directory d", 'file d/own 3 "own"', 'file file 4 "file"', "symlink link -> d"],
  },
  {
    name: "follows symlinks among parents inside the root",
    layers: [[
      directory("d"),
      symlink("rel", "d"),
      symlink("abs", "/d"),
      symlink("up", "../../../d"),
      symlink("chain", "rel"),
      symlink("dangling", "new/place"),
    ], [
      textFile("rel/1"),
      textFile("abs/2"),
      textFile("up/3"),
      textFile("chain/4"),
      textFile("dangling/5"),
      directory("rel/sub", meta),
      textFile("chain/sub/6"),
      mark("whiteout", "rel/0"),
    ]],
    expected: [
      "symlink abs -> /d",
      "symlink chain -> rel",
      "directory d",
      'file d/1 0 ""',
      'file d/2 0 ""',
      'file d/3 0 ""',
      'file d/4 0 ""',
      "directory d/sub",
      'file d/sub/6 0 ""',
      "symlink dangling -> new/place",
      "directory new",
      "directory new/place",
      'file new/place/5 0 ""',
      "symlink rel -> d",
      "symlink up -> ../../../d",
    ],
  },
  {
    name: "hides files through symlinks among parents",
    layers: [base, [mark("whiteout", "link/one"), mark("opaque", "link/sub")]],
    expected: ["directory d", "directory d/sub", 'file d/two 1 "2"', 'file file 4 "file"', "symlink link -> d"],
  },
  {
    name: "hides the symlink itself, not what it leads to",
    layers: [base, [mark("whiteout", "link")]],
    expected: [
      "directory d",
      'file d/one 1 "1"',
      "directory d/sub",
      'file d/sub/deep 4 "deep"',
      'file d/two 1 "2"',
      'file file 4 "file"',
    ],
  },
  {
    name: "does not follow a symlink that the layer itself hides",
    layers: [base, [mark("whiteout", "link"), textFile("link/own", "own")]],
    expected: [
      "directory d",
      'file d/one 1 "1"',
      "directory d/sub",
      'file d/sub/deep 4 "deep"',
      'file d/two 1 "2"',
      'file file 4 "file"',
      "directory link",
      'file link/own 3 "own"',
    ],
  },
  {
    name: "does not follow a symlink of a directory that is opaque",
    layers: [[directory("d"), symlink("d/link", "../e"), directory("e")], [mark("opaque", "d"), textFile("d/link/x")]],
    expected: ["directory d", "directory d/link", 'file d/link/x 0 ""', "directory e"],
  },
  {
    name: "follows a symlink that the layer swaps while it is unpacked, and nothing that was there before",
    isOrdered: true,
    layers: [[
      directory("a"),
      directory("b"),
      symlink("l", "a"),
      textFile("l/1"),
      symlink("l", "b"),
      textFile("l/2"),
      directory("l"),
      textFile("l/3"),
    ]],
    expected: [
      "directory a",
      'file a/1 0 ""',
      "directory b",
      'file b/2 0 ""',
      "directory l",
      'file l/3 0 ""',
    ],
  },
  {
    name: "makes hard links, also to links, to links' names and to symlinks",
    layers: [[
      textFile("a", "x"),
      hardlink("b", "a"),
      hardlink("c", "b"),
      symlink("s", "a"),
      hardlink("t", "s"),
      directory("d"),
      hardlink("d/e", "a"),
    ]],
    expected: [
      'file a 1 "x"',
      "link b = a",
      "link c = a",
      "directory d",
      "link d/e = a",
      "symlink s -> a",
      "link t = s",
    ],
  },
  {
    name: "makes hard links to files of the layers below",
    layers: [base, [hardlink("new", "d/one"), hardlink("d/sub/new", "link/two"), hardlink("own", "new")]],
    expected: [
      "directory d",
      'file d/one 1 "1"',
      "directory d/sub",
      'file d/sub/deep 4 "deep"',
      'file d/sub/new 1 "2"',
      "link d/two = d/sub/new",
      'file file 4 "file"',
      "symlink link -> d",
      "link new = d/one",
      "link own = d/one",
    ],
  },
  {
    name: "keeps a file that links lead to when its own name is replaced",
    layers: [[textFile("a", "old"), hardlink("b", "a"), hardlink("c", "a"), textFile("a", "new"), hardlink("b", "b")]],
    expected: ['file a 3 "new"', 'file b 3 "old"', "link c = b"],
  },
];

for (const { name, layers, expected, isOrdered } of cases) {
  test(name, async () => {
    const stored = await Promise.all(layers.map((entries) => rawLayer(...entries)));
    for (const kind of kinds) {
      const shown = await showUnpacked(kind, stored);
      assertEquals(shown.map(shorten), expected, kind);
      if (isOrdered !== true) assertEquals(shown, await showTree(treeOfLayers(stored)), kind);
    }
  });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `applyLayer() ${name}`, ignore, fn });
}

/** Without mode, owner, time and extended attributes. */
function shorten(line: string): string {
  return line.replace(/ [0-7]+ \d+:\d+ @-?\d+/, "").replace(/( user\.\S+)+$/, "");
}
