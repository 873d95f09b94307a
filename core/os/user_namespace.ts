/** A run of consecutive user or group numbers and what they are outside (user_namespaces(7)). */
export interface IdRange {
  /** First number inside. */
  readonly inside: number;
  /** The number that it is in the parent namespace. */
  readonly outside: number;
  /** How many there are. */
  readonly count: number;
}

/** Numbers that exist in a user namespace. */
export interface UserNamespace {
  /** Users. */
  readonly uids: readonly IdRange[];
  /** Groups. */
  readonly gids: readonly IdRange[];
}

/** Numbers there are in the initial user namespace: all but -1. */
const ALL_IDS = 2 ** 32 - 1;

/** The user namespace this process is in; undefined for the initial one, and where there are none. */
export function readUserNamespace(): UserNamespace | undefined {
  const uids = parseIdMap(readText("/proc/self/uid_map"));
  if (uids.length === 0 || uids.some(({ count }) => count === ALL_IDS)) return undefined;
  return { uids, gids: parseIdMap(readText("/proc/self/gid_map")) };
}

/** The ranges of a `uid_map` or `gid_map` file. */
export function parseIdMap(text: string): readonly IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    return inside === undefined || outside === undefined || count === undefined ? [] : [{ inside, outside, count }];
  });
}

/** Whether a number exists in one of the ranges. */
export function isMapped(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(({ inside, count }) => id >= inside && id < inside + count);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
