import { assertEquals } from "@std/assert";
import type { LayerEntry } from "../../core/contract/layer.ts";
import type { SnapshotterKind } from "../../core/snapshot/snapshotter.ts";
import { createTestCall } from "./build_fixture.ts";
import { directory, hardlink, symlink, textFile } from "./layer_parts.ts";
import {
  openTestSnapshotter,
  rawLayer,
  showDirectory,
  showTree,
  showUnpacked,
  storedLayers,
  type TestLayer,
  treeOfLayers,
} from "./snapshot_fixture.ts";

const call = createTestCall();

/** Something done in a workspace, and the changes that it makes. */
export interface WorkCase {
  /** What it is. */
  readonly name: string;
  /** What the workspace is on; {@linkcode workBase} when left out. */
  readonly layers?: readonly (readonly LayerEntry[])[];
  /** Shell script that is run in the workspace. */
  readonly script: string;
  /** Changes that the overlay snapshotter finds. */
  readonly changes: readonly string[];
  /** Changes that the copying one finds, where it cannot tell more or less. */
  readonly copied?: readonly string[];
}

const time = { mtime: 1_000_000_000 };

/** A layer to work on. */
export const workBase = [
  directory("d", time),
  textFile("d/one", "1", time),
  textFile("d/two", "2", time),
  directory("d/sub", time),
  textFile("d/sub/deep", "deep", time),
  textFile("file", "file", { ...time, xattrs: { "user.note": Uint8Array.of(1) } }),
  { ...symlink("link", "d"), ...time },
  directory("empty", { ...time, xattrs: { "user.note": Uint8Array.of(1) } }),
  textFile("x", "linked", time),
  hardlink("y", "x"),
  hardlink("d/z", "x"),
] as const satisfies readonly LayerEntry[];

/** Checks that both snapshotters find the changes, and that every look at what they make shows what was seen when they were made. */
export async function checkWork({ layers = [workBase], script, changes, copied = changes }: WorkCase): Promise<void> {
  const stored = await Promise.all(layers.map((entries) => rawLayer(...entries)));
  for (const [kind, expected] of [["overlay", changes], ["copy", copied]] as const) {
    const result = await workOn(kind, stored, (rootfs) => runScript(rootfs, script));
    assertEquals(result.changes, expected, kind);
    const seen = result.seen.filter((line) => !line.startsWith("socket "));
    assertEquals(result.kept, seen, `${kind}: kept`);
    for (const [way, shown] of Object.entries(await showEverywhere([...stored, result.layer]))) {
      assertEquals(shown, seen, `${kind}: ${way}`);
    }
  }
}

/** What came of work in a workspace. */
export interface WorkResult {
  /** The changes, as kind and path. */
  readonly changes: readonly string[];
  /** The layer that they make. */
  readonly layer: TestLayer;
  /** What the workspace showed when the work was done. */
  readonly seen: readonly string[];
  /** What the layers and the kept changes show, in the same snapshotter. */
  readonly kept: readonly string[];
}

/** Lets something be done in a workspace on layers, and makes a layer of what it changed. */
export async function workOn(
  kind: SnapshotterKind,
  layers: readonly TestLayer[],
  work: (rootfs: string) => void,
  sourceDateEpoch?: number,
): Promise<WorkResult> {
  await using test = await openTestSnapshotter(kind);
  const { snapshotter } = test;
  await using workspace = await snapshotter.prepare(await storedLayers(layers), call);
  work(workspace.rootfs);
  const seen = showDirectory(workspace.rootfs);
  const made = workspace.finish(sourceDateEpoch, call);
  const entries: LayerEntry[] = [];
  for await (const entry of made.entries(call)) {
    if (entry.type !== "file" || entry.content instanceof Uint8Array) entries.push(entry);
    else entries.push({ ...entry, content: await readWhole(entry.content) });
  }
  const epoch = sourceDateEpoch ?? Infinity;
  const dated = entries.map((entry) =>
    "mtime" in entry ? { ...entry, mtime: Math.min(Math.floor(entry.mtime), epoch) } : entry
  );
  const layer = await rawLayer(...dated);
  made.commit(layer.diffId);
  await using view = await snapshotter.view(await storedLayers([...layers, layer]), call);
  return {
    layer,
    seen,
    changes: entries.map(({ type, path }) => `${type} ${path}`),
    kept: showDirectory(view.rootfs),
  };
}

async function readWhole(
  open: () => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(await open()).arrayBuffer());
}

/** What layers show, in every way that there is to look at them. */
export async function showEverywhere(
  layers: readonly TestLayer[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  return {
    overlay: await showUnpacked("overlay", layers),
    copy: await showUnpacked("copy", layers),
    tree: await showTree(treeOfLayers(layers)),
  };
}

/** Runs a shell script in a directory, which may be on a mount of this process's own. */
export function runScript(directory: string, script: string): void {
  const run = new Deno.Command("sh", { args: ["-euc", script], cwd: directory, stdin: "null" });
  const { success, stdout, stderr } = run.outputSync();
  if (success) return;
  const decoder = new TextDecoder();
  throw new Error(`${script}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}
