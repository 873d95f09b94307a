import { assert, assertEquals } from "@std/assert";
import { asFileUser, canDropFileRights } from "../../tests/helpers/file_user.ts";
import type { Digest } from "../oci/descriptor.ts";
import { bootNames } from "./layout.ts";
import { lockShared } from "./lock.ts";
import { snapshotUsage } from "./stored_snapshots.ts";
import { sweepSnapshots } from "./sweep.ts";

const [boot, userBoot] = bootNames();
const hex = (digit: string): string => digit.repeat(64);

async function withRoot(run: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await run(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Makes directories below the snapshots of a root, with 10 bytes in each. */
function makeSnapshots(root: string, ...names: readonly string[]): void {
  for (const name of names) {
    Deno.mkdirSync(`${root}/snapshots/${name}/dir`, { recursive: true });
    Deno.writeTextFileSync(`${root}/snapshots/${name}/dir/file`, "0123456789");
  }
}

function names(directory: string): readonly string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

Deno.test("sweepSnapshots() removes snapshots of layers that are gone and keeps the others", () =>
  withRoot(async (root) => {
    const kept = [`${boot}/${hex("a")}`, `${boot}/${hex("a")}-0123456789abcdef`, `${userBoot}/${hex("b")}`];
    makeSnapshots(
      root,
      ...kept,
      `${boot}/${hex("c")}`,
      `${boot}/${hex("c")}-0123456789abcdef`,
      `${userBoot}/${hex("d")}`,
    );
    const asked: Digest[] = [];
    const keep = (diffId: Digest): boolean => (asked.push(diffId), diffId.includes("aa") || diffId.includes("bb"));
    assertEquals(await sweepSnapshots(root, keep), { reclaimed: 30, isInUse: false, left: [] });
    assertEquals(names(`${root}/snapshots`), [boot, userBoot, "lock"].sort());
    assertEquals([...names(`${root}/snapshots/${boot}`)], kept.slice(0, 2).map((name) => name.split("/")[1]));
    assertEquals(names(`${root}/snapshots/${userBoot}`), [hex("b")]);
    assertEquals([...new Set(asked)].sort(), ["a", "b", "c", "d"].map((digit): Digest => `sha256:${hex(digit)}`));
  }));

Deno.test("sweepSnapshots() removes what earlier boots, killed sweeps and others left", () =>
  withRoot(async (root) => {
    makeSnapshots(
      root,
      `01234567/${hex("a")}`,
      `01234567-user/${hex("a")}`,
      "gone-1/x",
      `${boot}/${hex("a")}`,
      `${boot}/odd`,
    );
    assertEquals((await sweepSnapshots(root, () => true)).reclaimed, 40);
    assertEquals(names(`${root}/snapshots`), [boot, "lock"].sort());
    assertEquals(names(`${root}/snapshots/${boot}`), [hex("a")]);
  }));

Deno.test("sweepSnapshots() leaves all while some are in use, but the runs of dead processes", () =>
  withRoot(async (root) => {
    makeSnapshots(root, `${boot}/${hex("a")}`, "01234567/x");
    Deno.mkdirSync(`${root}/runs/dead/upper`, { recursive: true });
    Deno.writeTextFileSync(`${root}/runs/dead.lock`, "");
    {
      using _ = await lockShared(`${root}/snapshots/lock`);
      assertEquals(await sweepSnapshots(root, () => false), { reclaimed: 0, isInUse: true, left: [] });
      assertEquals(snapshotUsage(root), { total: 2, size: 20, isInUse: true });
      assertEquals(names(`${root}/runs`), []);
    }
    assertEquals((await sweepSnapshots(root, () => false)).reclaimed, 20);
    assertEquals(snapshotUsage(root), { total: 0, size: 0, isInUse: false });
  }));

Deno.test("sweepSnapshots() does nothing where there are none", () =>
  withRoot(async (root) => {
    assertEquals(await sweepSnapshots(root, () => false), { reclaimed: 0, isInUse: false, left: [] });
    assertEquals(names(root), []);
  }));

Deno.test({
  name:
    "sweepSnapshots() tells which ones have files that are not for it to remove, and takes them for none from then on",
  ignore: !canDropFileRights(),
  fn: () =>
    withRoot(async (root) => {
      const user = 65_534;
      makeSnapshots(root, `${boot}/${hex("a")}`, `${boot}/${hex("b")}`);
      for (
        const path of [root, "", `/${boot}`, `/${boot}/${hex("a")}`, `/${boot}/${hex("b")}`, `/${boot}/${hex("b")}/dir`]
      ) {
        Deno.chownSync(path === root ? root : `${root}/snapshots${path}`, user, user);
      }
      Deno.chmodSync(`${root}/snapshots/${boot}/${hex("a")}/dir`, 0o700);
      const sweep = await (async () => {
        using _ = asFileUser(user);
        return await sweepSnapshots(root, () => false);
      })();
      assertEquals([sweep.reclaimed, sweep.left], [10, [`${root}/snapshots/${boot}/${hex("a")}`]]);
      assertEquals(names(`${root}/snapshots/${boot}`), []);
      assert(names(`${root}/snapshots`).some((name) => name.startsWith("gone-")));
      await sweepSnapshots(root, () => true);
      assertEquals(names(`${root}/snapshots`), [boot, "lock"].sort());
    }),
});
