import { assert, assertEquals, assertThrows } from "@std/assert";
import { isMissing } from "../../tests/helpers/require.ts";
import { EngineError } from "../errors.ts";
import { cgroupName, cpuQuotaUs, createCgroup, sweepCgroups } from "./cgroup.ts";
import { findHierarchy, readHierarchies } from "./cgroup_hierarchy.ts";

const memory = findHierarchy(readHierarchies(), "memory");
const canLimit = memory !== undefined && !isMissing("root");

function isPresent(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

Deno.test({
  name: "createCgroup() makes a group with the limits, which is gone when disposed",
  ignore: !canLimit,
  fn: async () => {
    const directory = Deno.makeTempDirSync();
    let folder: string;
    {
      await using group = createCgroup(cgroupName(directory), { memoryBytes: 64 * 1024 * 1024 });
      folder = group.joins[0]?.replace(/\/cgroup\.procs$/, "") ?? "";
      const file = memory?.version === 2 ? "memory.max" : "memory.limit_in_bytes";
      assertEquals(Deno.readTextFileSync(`${folder}/${file}`).trim(), `${64 * 1024 * 1024}`);
    }
    assert(folder !== "" && !isPresent(folder));
    Deno.removeSync(directory);
  },
});

Deno.test({
  name: "createCgroup() leaves nothing when a limit is refused",
  ignore: !canLimit,
  fn: () => {
    const directory = Deno.makeTempDirSync();
    const name = cgroupName(directory);
    const error = assertThrows(() => createCgroup(name, { memoryBytes: Number.NaN }), EngineError);
    assertEquals(error.code, "OS_FAILED");
    for (const parent of memory?.parents ?? []) assert(!isPresent(`${parent}/${name}`));
    Deno.removeSync(directory);
  },
});

Deno.test({
  name: "sweepCgroups() removes groups of dead processes and no others",
  ignore: !canLimit,
  fn: () => {
    const [parent = ""] = memory?.parents.slice(-1) ?? [];
    // The largest number of a process is 2^22 (proc(5), "pid_max").
    const dead = `${parent}/strata-99999999-1-1`, alive = `${parent}/strata-${Deno.pid}-1-1`;
    for (const path of [dead, alive]) Deno.mkdirSync(path);
    sweepCgroups();
    assertEquals([isPresent(dead), isPresent(alive)], [false, true]);
    Deno.removeSync(alive);
  },
});

Deno.test({
  name: "createCgroup() throws UNSUPPORTED naming the flag when the groups are not this user's",
  ignore: memory === undefined || Deno.uid() === 0,
  fn: () => {
    const error = assertThrows(() => createCgroup("strata-0-0", { memoryBytes: 1 }), EngineError);
    assertEquals([error.code, error.detail.value], ["UNSUPPORTED", "--memory"]);
  },
});

Deno.test("cpuQuotaUs() gives microseconds of a tenth of a second, no fewer than the kernel takes", () => {
  assertEquals([0.5, 2, 0.001].map(cpuQuotaUs), [50_000, 200_000, 1000]);
});
