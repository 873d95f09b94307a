import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError } from "../errors.ts";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { directory, mark, textFile } from "../../tests/helpers/layer_parts.ts";
import { isMissing } from "../../tests/helpers/require.ts";
import { openTestSnapshotter, rawLayer, showDirectory, storedLayers } from "../../tests/helpers/snapshot_fixture.ts";
import { bootNames, chainSnapshot, layerSnapshot } from "./layout.ts";
import { openSnapshotter } from "./open_snapshotter.ts";
import type { Snapshotter, StoredLayer } from "./snapshotter.ts";
import { sweepSnapshots } from "./sweep.ts";

const ignore = Deno.build.os !== "linux" || isMissing("root");
const call = createTestCall();

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

function names(path: string): readonly string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

async function show(snapshotter: Snapshotter, layers: readonly StoredLayer[]): Promise<readonly string[]> {
  await using view = await snapshotter.view(layers, call);
  return showDirectory(view.rootfs).map((line) => line.split(" ", 2).join(" "));
}

const base = [directory("d", { mode: 0o700 }), textFile("d/a"), textFile("b")];

test("openSnapshotter() names a snapshot by its layer, and by those below it when it depends on them", async () => {
  await using made = await openTestSnapshotter("overlay");
  const layers = await storedLayers([
    await rawLayer(...base),
    await rawLayer(directory("d"), textFile("d/own")),
    await rawLayer(textFile("d/implied")),
    await rawLayer(mark("whiteout", "b")),
  ]);
  await show(made.snapshotter, layers);
  const [lowest, apart, implied, hiding] = layers;
  if (lowest === undefined || apart === undefined || implied === undefined || hiding === undefined) throw new Error();
  assertEquals(
    names(`${made.root}/snapshots/${bootNames()[0]}`),
    [
      layerSnapshot(lowest.diffId),
      layerSnapshot(apart.diffId),
      chainSnapshot(implied.diffId, implied.chainId),
      layerSnapshot(hiding.diffId),
    ].sort(),
  );
  assertEquals(names(`${made.root}/runs`), []);
});

test("openSnapshotter() puts a layer on other ones than those it was first unpacked on", async () => {
  await using made = await openTestSnapshotter("overlay");
  const top = await rawLayer(textFile("top"));
  for (const mode of [0o711, 0o750]) {
    const layers = await storedLayers([
      await rawLayer(directory(".", { mode, mtime: mode }), textFile(`on-${mode}`)),
      top,
    ]);
    await using view = await made.snapshotter.view(layers, call);
    await using workspace = await made.snapshotter.prepare(layers, call);
    for (const { rootfs } of [view, workspace]) {
      const stat = Deno.lstatSync(rootfs);
      assertEquals([(stat.mode ?? 0) & 0o7777, stat.mtime?.getTime()], [mode, mode * 1000]);
      assertEquals(names(rootfs), [`on-${mode}`, "top"]);
    }
  }
  assertEquals(names(`${made.root}/snapshots/${bootNames()[0]}`).length, 3);
});

test("openSnapshotter() lets two of them unpack one layer at the same time", async () => {
  for (const kind of ["overlay", "copy"] as const) {
    await using made = await openTestSnapshotter(kind);
    const other = await openSnapshotter({ root: made.root, kind });
    const [layer] = await storedLayers([await rawLayer(...base)]);
    if (layer === undefined) throw new Error();
    // Each waits, in the middle of the layer, until the other has begun it.
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let count = 0;
    const entries = async function* (): AsyncGenerator<readonly LayerEntry[]> {
      const own = count++;
      yield base.slice(0, 2);
      begun[own]?.resolve();
      await begun[1 - own]?.promise;
      yield base.slice(2);
    };
    const both = await Promise.all([made.snapshotter, other].map((each) => show(each, [{ ...layer, entries }])));
    for (const shown of both) assertEquals(shown, ["file b", "directory d", "file d/a"], kind);
    assertEquals(count, 2);
    await other[Symbol.asyncDispose]();
    assertEquals(names(`${made.root}/runs`), []);
  }
});

test("openSnapshotter() unpacks a layer once for all that ask for it at the same time", async () => {
  await using made = await openTestSnapshotter("overlay");
  const [layer] = await storedLayers([await rawLayer(...base)]);
  if (layer === undefined) throw new Error();
  let count = 0;
  const entries = (inner: typeof call): AsyncIterable<readonly LayerEntry[]> => (count++, layer.entries(inner));
  await Promise.all([1, 2, 3].map(() => show(made.snapshotter, [{ ...layer, entries }])));
  assertEquals(count, 1);
});

test("openSnapshotter() goes on when snapshots are removed by hand, between uses and during one", async () => {
  await using made = await openTestSnapshotter("overlay");
  const layers = await storedLayers([await rawLayer(...base)]);
  const before = await show(made.snapshotter, layers);
  Deno.removeSync(`${made.root}/snapshots`, { recursive: true });
  assertEquals(await show(made.snapshotter, layers), before);
  await using workspace = await made.snapshotter.prepare(layers, call);
  Deno.writeTextFileSync(`${workspace.rootfs}/new`, "");
  Deno.removeSync(`${made.root}/snapshots`, { recursive: true });
  // What a command was on is gone, so nobody can tell any more what it has changed.
  const error = assertThrows(() => workspace.finish(undefined, call), EngineError);
  assertEquals([error.code, error.detail["errno"]], ["OS_FAILED", "ENOENT"]);
  assertEquals(await show(made.snapshotter, layers), before);
  await using empty = await made.snapshotter.prepare([], call);
  Deno.removeSync(`${made.root}/snapshots`, { recursive: true });
  empty.finish(undefined, call).commit("sha256:aa");
  assertEquals(names(`${made.root}/snapshots/${bootNames()[0]}`), ["aa"]);
  const again = await openSnapshotter({ root: made.root, kind: "overlay" });
  await again[Symbol.asyncDispose]();
});

test("openSnapshotter() keeps snapshots from being swept until it is disposed", async () => {
  await using made = await openTestSnapshotter("overlay");
  await show(made.snapshotter, await storedLayers([await rawLayer(...base)]));
  assertEquals((await sweepSnapshots(made.root, () => false)).isInUse, true);
  await made.snapshotter[Symbol.asyncDispose]();
  assertEquals((await sweepSnapshots(made.root, () => false)).isInUse, false);
  assertEquals(names(`${made.root}/snapshots/${bootNames()[0]}`), []);
});

test("openSnapshotter() leaves nothing of a layer that cannot be unpacked", async () => {
  for (const kind of ["overlay", "copy"] as const) {
    await using made = await openTestSnapshotter(kind);
    const layers = await storedLayers([await rawLayer(...base), await rawLayer(textFile("b/below-a-file"))]);
    for (let i = 0; i < 2; i++) await assertRejects(() => made.snapshotter.prepare(layers, call), EngineError);
    assertEquals(names(`${made.root}/runs`), [], kind);
    const count = kind === "overlay" ? 1 : 0;
    assertEquals(names(`${made.root}/snapshots/${bootNames()[0]}`).length, count, kind);
  }
});

test("openSnapshotter() shows no files where there are no layers, and lets some be made", async () => {
  for (const kind of ["overlay", "copy"] as const) {
    await using made = await openTestSnapshotter(kind);
    assertEquals(await show(made.snapshotter, []), [], kind);
    await using workspace = await made.snapshotter.prepare([], call);
    assertEquals((Deno.lstatSync(workspace.rootfs).mode ?? 0) & 0o7777, 0o755, kind);
    Deno.writeTextFileSync(`${workspace.rootfs}/new`, "");
    const entries = await Array.fromAsync(workspace.finish(undefined, call).entries(call));
    assertEquals(entries.map(({ type, path }) => `${type} ${path}`), ["file new"], kind);
  }
});

test("openSnapshotter() takes a root whose path has spaces, commas and colons and is long", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const root = `${directory}/a b,c:d\\e/${"x".repeat(200)}/${"y".repeat(200)}`;
    const snapshotter = await openSnapshotter({ root, kind: "overlay" });
    const layers = await storedLayers([await rawLayer(...base), await rawLayer(textFile("d/implied"))]);
    assertEquals(await show(snapshotter, layers), ["file b", "directory d", "file d/a", "file d/implied"]);
    await snapshotter[Symbol.asyncDispose]();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
