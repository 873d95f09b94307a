import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { isMissing, peers } from "../../tests/helpers/require.ts";
import { layoutOf } from "./layout.ts";
import { makeRunDirectory, sweepRuns } from "./run_directory.ts";

const { signal } = new AbortController();

async function withLayout(run: (layout: ReturnType<typeof layoutOf>) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await run(layoutOf(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function names(directory: string): readonly string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

Deno.test("makeRunDirectory() makes a directory that is gone when it is disposed, with all in it", () =>
  withLayout(async (layout) => {
    {
      await using run = makeRunDirectory(layout, signal);
      Deno.mkdirSync(`${run.path}/upper/deep`, { recursive: true });
      Deno.writeTextFileSync(`${run.path}/upper/deep/file`, "");
      Deno.chmodSync(`${run.path}/upper/deep`, 0);
      assertEquals(names(layout.runs).length, 2);
    }
    assertEquals(names(layout.runs), []);
  }));

Deno.test("makeRunDirectory() is disposed without an error when somebody has removed it", () =>
  withLayout(async (layout) => {
    const run = makeRunDirectory(layout, signal);
    Deno.removeSync(layout.runs, { recursive: true });
    await run[Symbol.asyncDispose]();
  }));

Deno.test("makeRunDirectory() throws OS_FAILED with the path when it cannot be made", () =>
  withLayout(async (layout) => {
    await Deno.writeTextFile(layout.runs, "no directory");
    const error = assertThrows(() => makeRunDirectory(layout, signal), EngineError);
    assertEquals([error.code, error.detail["path"]], ["OS_FAILED", layout.runs]);
  }));

Deno.test("makeRunDirectory() throws CANCELED when the signal has aborted", () =>
  withLayout(async (layout) => {
    assertEquals(assertThrows(() => makeRunDirectory(layout, AbortSignal.abort()), EngineError).code, "CANCELED");
    await assertRejects(() => Deno.stat(layout.runs));
  }));

Deno.test("sweepRuns() removes what dead processes left and nothing of those that live", () =>
  withLayout(async (layout) => {
    await using run = makeRunDirectory(layout, signal);
    for (const name of ["dead", "without-a-lock"]) Deno.mkdirSync(`${layout.runs}/${name}/upper`, { recursive: true });
    for (const name of ["dead", "without-a-directory"]) Deno.writeTextFileSync(`${layout.runs}/${name}.lock`, "");
    await sweepRuns(layout);
    const own = run.path.slice(layout.runs.length + 1);
    assertEquals(names(layout.runs), [own, `${own}.lock`]);
  }));

Deno.test("sweepRuns() does nothing where there are none", () => withLayout((layout) => sweepRuns(layout)));

Deno.test({
  name: "sweepRuns() leaves what cannot be removed, and goes on",
  ignore: isMissing("root", peers.bash),
  fn: () =>
    withLayout(async (layout) => {
      for (const name of ["a", "b"]) {
        Deno.mkdirSync(`${layout.runs}/${name}/upper`, { recursive: true });
        Deno.writeTextFileSync(`${layout.runs}/${name}/upper/file`, "");
        Deno.writeTextFileSync(`${layout.runs}/${name}.lock`, "");
      }
      const change = (flag: string): Promise<Deno.CommandOutput> =>
        new Deno.Command("chattr", { args: [flag, `${layout.runs}/a/upper/file`], stderr: "null" }).output();
      const { success } = await change("+i");
      await sweepRuns(layout);
      assertEquals(names(layout.runs), success ? ["a", "a.lock"] : []);
      await change("-i");
      await sweepRuns(layout);
      assertEquals(names(layout.runs), []);
    }),
});
