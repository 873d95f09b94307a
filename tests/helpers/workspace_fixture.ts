import type { LayerEntry } from "../../core/contract/layer.ts";
import type { SnapshotterKind } from "../../core/snapshot/snapshotter.ts";
import { createTestCall } from "./build_fixture.ts";
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
