/**
 * Random layers, and random work on them: the kept snapshot, what either snapshotter unpacks and the tree of the tables of contents show
 * the same. A message tells the seed, which does the same again.
 */
import { assertEquals } from "@std/assert";
import { isEngineError } from "../../core/errors.ts";
import { randomEntries, randomFrom } from "../helpers/random_layer.ts";
import { workAtRandom } from "../helpers/random_work.ts";
import { isMissing } from "../helpers/require.ts";
import { rawLayer, showTree, showUnpacked, type TestLayer, treeOfLayers } from "../helpers/snapshot_fixture.ts";
import { showEverywhere, workOn } from "../helpers/workspace_fixture.ts";

const ignore = Deno.build.os !== "linux" || isMissing("root");

/** What is shown, or the code of the error that there is instead. */
async function attempt(show: Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await show;
  } catch (error) {
    if (isEngineError(error)) return [error.code];
    throw error;
  }
}

async function randomLayers(seed: number, count: number): Promise<TestLayer[]> {
  const random = randomFrom(seed);
  const layers: TestLayer[] = [];
  for (let i = 0; i < count; i++) layers.push(await rawLayer(...randomEntries(random)));
  return layers;
}

Deno.test({
  name: "layers of random entries are unpacked to what their tables of contents show",
  ignore,
  fn: async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const layers = await randomLayers(seed, 1 + seed % 3);
      const expected = await attempt(showTree(treeOfLayers(layers)));
      for (const kind of ["overlay", "copy"] as const) {
        assertEquals(await attempt(showUnpacked(kind, layers)), expected, `seed ${seed}, ${kind}`);
      }
    }
  },
});

/** Times of the work itself differ from one run of it to the next. */
function withoutNow(lines: readonly string[], since: number): readonly string[] {
  return lines.map((line) => line.replace(/@(\d+)/, (text, time) => Number(time) >= since ? "@now" : text));
}

Deno.test({
  name: "random work in a workspace makes layers that show what was seen in it",
  ignore,
  fn: async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const layers: TestLayer[] = [];
      for (let step = 0; step < 3; step++) {
        const since = Math.floor(Date.now() / 1000) - 1;
        const work = (rootfs: string): void => void workAtRandom(rootfs, randomFrom(seed * 100 + step));
        const [overlay, copy] = [await workOn("overlay", layers, work), await workOn("copy", layers, work)];
        assertEquals(withoutNow(copy.seen, since), withoutNow(overlay.seen, since), `seed ${seed}, step ${step}`);
        for (const [kind, result] of Object.entries({ overlay, copy })) {
          const where = `seed ${seed}, step ${step}, ${kind}`;
          assertEquals(result.kept, result.seen, `${where}, kept`);
          for (const [way, shown] of Object.entries(await showEverywhere([...layers, result.layer]))) {
            assertEquals(shown, result.seen, `${where}, ${way}`);
          }
        }
        layers.push(overlay.layer);
      }
    }
  },
});
