/** What builds with commands could leave on a host. */
import { assertEquals } from "@std/assert";
import type { RunPlace } from "./run_place.ts";

const patienceMs = 10_000;

/**
 * Fails unless nothing of a place's builds is left: no process, no mount in any mount namespace, no control group of the processes given,
 * no file in the temporary folder and in those of the runtimes. Waits a moment for what the kernel is about to end.
 */
export async function checkNothingRuns(place: RunPlace, pids: readonly number[]): Promise<void> {
  const until = performance.now() + patienceMs;
  let left = findLeft(place, pids);
  while (left.length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    left = findLeft(place, pids);
  }
  assertEquals(left, []);
}

/** Fails unless the store has nothing that is under way: no run, no temporary file, no lock of one. */
export function checkNothingUnderWay({ options: { root } }: RunPlace): void {
  const left = ["runs", "tmp", "leases"].flatMap((folder) =>
    namesIn(`${root}/${folder}`).map((name) => `${folder}/${name}`)
  );
  assertEquals(left, []);
  assertEquals(namesIn(`${root}/mounts`).filter((name) => /^(new|old)-/.test(name)), []);
}

function findLeft(place: RunPlace, pids: readonly number[]): readonly string[] {
  const processes = namesIn("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== Deno.pid).flatMap(
    (pid) => {
      const found = ["mountinfo", "cmdline"].filter((file) => read(`/proc/${pid}/${file}`).includes(place.path));
      return found.map((file) =>
        `process ${pid} by its ${file}: ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`
      );
    },
  );
  const mounts = read("/proc/self/mountinfo").split("\n").filter((line) => line.includes(place.path));
  const groups = findGroups("/sys/fs/cgroup", 4).filter((path) => pids.some((pid) => path.includes(`/strata-${pid}-`)));
  const temporary = namesIn(`${place.path}/tmp`);
  const runtimes = ["/run/crun/container", "/run/runc/container"].filter((path) => isThere(path));
  return [...processes, ...mounts, ...groups, ...temporary, ...runtimes];
}

function findGroups(folder: string, depth: number): readonly string[] {
  return namesIn(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (!isDirectory(path)) return [];
    if (name.startsWith("strata-")) return [path];
    return depth === 0 ? [] : findGroups(path, depth - 1);
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
