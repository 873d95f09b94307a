/**
 * Control groups that strata makes itself, to limit memory and processors of a container. One is made in each hierarchy that a limit
 * needs, below the group of this process or the nearest that may have it; its name tells whose it is, so that what a killed process
 * left is removed by the next.
 *
 * @module
 */
import { EngineError } from "../errors.ts";
import { errnoOf, osError } from "./errno.ts";
import { type CgroupHierarchy, findHierarchy, readHierarchies } from "./cgroup_hierarchy.ts";

/** What a group may use at most; something is given. */
export interface CgroupLimits {
  /** Bytes of memory; as much again of swap space, as with docker. */
  readonly memoryBytes?: number | undefined;
  /** Processors, with fractions. */
  readonly cpus?: number | undefined;
}

/** A group in one or more hierarchies; removed when disposed, by when no process may be in it. */
export interface Cgroup extends AsyncDisposable {
  /** Files that a process writes `0` to, to get into the group. */
  readonly joins: readonly string[];
}

/** Microseconds over which processor time is counted, as with docker. */
export const CPU_PERIOD_US = 100_000;

/**
 * Name of a container's group: that of this process, and the container's directory, which no other has at the same time.
 */
export function cgroupName(directory: string): string {
  const { dev, ino } = Deno.statSync(directory);
  return `strata-${Deno.pid}-${dev}-${ino ?? 0}`;
}

/** Makes a group. Throws `UNSUPPORTED`, which names the flag, when this host cannot limit what is asked for. */
export function createCgroup(name: string, limits: CgroupLimits): Cgroup {
  const made: string[] = [];
  try {
    // Of version 2, one group holds all.
    for (const [hierarchy, wanted] of Map.groupBy(findWanted(limits), (one) => one.hierarchy)) {
      const path = makeGroup(hierarchy, name, wanted);
      made.push(path);
      for (const [file, value, isOptional] of wanted.flatMap(({ settings }) => settings[hierarchy.version])) {
        writeSetting(`${path}/${file}`, value, isOptional);
      }
    }
  } catch (error) {
    for (const path of made) removeQuietly(path);
    throw error;
  }
  return { joins: made.map((path) => `${path}/cgroup.procs`), [Symbol.asyncDispose]: () => removeAll(made) };
}

/** Throws `UNSUPPORTED`, which names the flag, when no hierarchy of this host has what a limit needs. */
export function requireControllers(limits: CgroupLimits): void {
  findWanted(limits);
}

function findWanted(limits: CgroupLimits): readonly (WantedSettings & { readonly hierarchy: CgroupHierarchy })[] {
  const hierarchies = readHierarchies();
  return wantedSettings(limits).map((wanted) => {
    const hierarchy = findHierarchy(hierarchies, wanted.controller);
    if (hierarchy !== undefined) return { ...wanted, hierarchy };
    throw unsupported(wanted.flag, `this host has no "${wanted.controller}" control groups`);
  });
}

/** File, value, and whether not every kernel has it. */
type Setting = readonly [file: string, value: string, isOptional: boolean];

interface WantedSettings {
  readonly controller: string;
  readonly flag: string;
  readonly settings: Readonly<Record<CgroupHierarchy["version"], readonly Setting[]>>;
}

/** Settings of cgroup v1 (kernel documentation, cgroup-v1/memory.rst, scheduler/sched-bwc.rst) and v2 (cgroup-v2.rst). */
function wantedSettings({ memoryBytes, cpus }: CgroupLimits): readonly WantedSettings[] {
  const wanted: WantedSettings[] = [];
  if (memoryBytes !== undefined) {
    const settings: WantedSettings["settings"] = {
      1: [
        ["memory.limit_in_bytes", `${memoryBytes}`, false],
        ["memory.memsw.limit_in_bytes", `${memoryBytes * 2}`, true],
      ],
      2: [["memory.max", `${memoryBytes}`, false], ["memory.swap.max", `${memoryBytes}`, true]],
    };
    wanted.push({ controller: "memory", flag: "--memory", settings });
  }
  if (cpus !== undefined) {
    const quota = cpuQuotaUs(cpus);
    const settings: WantedSettings["settings"] = {
      1: [["cpu.cfs_period_us", `${CPU_PERIOD_US}`, false], ["cpu.cfs_quota_us", `${quota}`, false]],
      2: [["cpu.max", `${quota} ${CPU_PERIOD_US}`, false]],
    };
    wanted.push({ controller: "cpu", flag: "--cpus", settings });
  }
  return wanted;
}

/** Microseconds of processor time in one period; the kernel takes 1000 at least. */
export function cpuQuotaUs(cpus: number): number {
  return Math.max(1000, Math.round(cpus * CPU_PERIOD_US));
}

/** Makes the group in a hierarchy, where the controllers can be used; gives its folder. */
function makeGroup(hierarchy: CgroupHierarchy, name: string, wanted: readonly WantedSettings[]): string {
  let reason = "no control group of this host lets those below it have limits";
  for (const parent of hierarchy.parents) {
    if (hierarchy.version === 2 && !wanted.every(({ controller }) => delegates(parent, controller))) continue;
    const path = `${parent}/${name}`;
    try {
      Deno.mkdirSync(path);
      return path;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return path;
      reason = `the control groups in "${parent}" cannot be changed by this user`;
    }
  }
  throw unsupported(wanted.map(({ flag }) => flag).join(" "), reason);
}

/** Whether groups below a group have a controller, which is switched on if it can be: not for one that has processes itself. */
function delegates(parent: string, controller: string): boolean {
  const file = `${parent}/cgroup.subtree_control`;
  const isOn = (): boolean => Deno.readTextFileSync(file).trim().split(" ").includes(controller);
  try {
    if (isOn()) return true;
    Deno.writeTextFileSync(file, `+${controller}`);
    return isOn();
  } catch {
    return false;
  }
}

function writeSetting(path: string, value: string, isOptional: boolean): void {
  try {
    Deno.writeTextFileSync(path, value, { create: false });
  } catch (cause) {
    if (isOptional) return;
    throw osError({ action: `write "${value}" to`, syscall: "write", errno: errnoOf(cause) ?? "EIO", path, cause });
  }
}

/** Removes groups of a name wherever there are some: those that a runtime made and, killed, could not remove. */
export async function removeCgroups(name: string): Promise<void> {
  await removeAll(readHierarchies().map(({ root }) => `${root}/${name}`).filter(isPresent));
}

/**
 * Removes the groups of processes that are dead, where this process would make them. A group with processes in it stays, the kernel
 * sees to that.
 */
export function sweepCgroups(): void {
  for (const { root, parents } of readHierarchies()) {
    for (const folder of new Set([root, ...parents])) sweep(folder);
  }
}

function sweep(folder: string): void {
  for (const { name } of listFolder(folder)) {
    const pid = /^strata-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isPresent(`/proc/${pid}`)) removeQuietly(`${folder}/${name}`);
  }
}

function listFolder(folder: string): readonly Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch {
    // Not there, or not for this user.
    return [];
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    // A process that has just ended counts for a moment.
    for (let attempt = 0; attempt < 100 && !removeQuietly(path); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Whether the group is gone. */
function removeQuietly(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

function isPresent(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function unsupported(flag: string, reason: string): EngineError {
  return new EngineError("UNSUPPORTED", `Cannot limit what a command uses with "${flag}": ${reason}`, {
    detail: { what: "control group", value: flag },
    hint: `Leave out ${flag}, or build as root on a host whose control groups can be changed`,
  });
}
