import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import { type MountInfo, type MountStore, openMountStore } from "../snapshot/mount_store.ts";

/**
 * What looking at the build cache needs of an engine.
 *
 * @example List the cache of an engine
 * ```ts
 * import { type CacheEngine, createCall, listCache } from "@strata/strata";
 *
 * const rows = async (engine: CacheEngine): Promise<number> => (await listCache(engine, createCall())).rows.length;
 * ```
 */
export type CacheEngine = Pick<Engine, "store" | "clock" | "config">;

/**
 * One cache mount: a directory that `RUN --mount=type=cache` keeps from build to build.
 *
 * @example The largest directories first
 * ```ts
 * import type { CacheMountUsage } from "@strata/strata";
 *
 * const bySize = (mounts: readonly CacheMountUsage[]): CacheMountUsage[] => mounts.toSorted((a, b) => b.size - a.size);
 * console.log(bySize([]));
 * ```
 */
export interface CacheMountUsage {
  /** Name of its directory: 64 hex digits, and `-1` and so on for further copies of a private one. */
  readonly name: string;
  /** What build files call it: the `id` of the mount, by default its target. */
  readonly id: string;
  /** When it was made. */
  readonly created: Date;
  /** When a command was last given it. */
  readonly lastUsed: Date;
  /** Bytes of its files. */
  readonly size: number;
  /** Whether a command has it at this moment. */
  readonly inUse: boolean;
}

/** The cache mounts of an engine's store. */
export function openCacheMounts({ config, clock }: Pick<Engine, "config" | "clock">): MountStore {
  return openMountStore(config.root, clock);
}

/** Describes cache mounts, those used last first, then by name. Looks at each of their files. */
export function describeMounts(mounts: MountStore, infos: readonly MountInfo[]): readonly CacheMountUsage[] {
  return infos.map((info) => ({
    name: info.name,
    id: info.id,
    created: info.createdAt,
    lastUsed: info.lastUsedAt,
    size: mounts.size(info),
    inUse: info.isInUse,
  })).sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime() || (a.name < b.name ? -1 : 1));
}

/**
 * The cache mounts that texts stand for, each once: an id, which all copies have, else the start of a name. Throws `NOT_FOUND`, and
 * `CONFLICT` with `detail.candidates` when several have such a name.
 */
export function findMounts(infos: readonly MountInfo[], texts: readonly string[]): readonly MountInfo[] {
  const found = new Set<MountInfo>();
  for (const text of texts) {
    const called = infos.filter(({ id }) => id === text);
    const chosen = called.length > 0 ? called : infos.filter(({ name }) => isStartOf(text, name));
    if (chosen.length === 0) throw absent(text);
    if (chosen.length > 1 && called.length === 0) throw ambiguous(text, chosen);
    for (const info of chosen) found.add(info);
  }
  return [...found];
}

/** Whether a text is the start of a name's digits, with the number of the copy when it has one. */
function isStartOf(text: string, name: string): boolean {
  const [start = "", copy] = text.split("-");
  const [digits = "", ownCopy] = name.split("-");
  return start !== "" && digits.startsWith(start) && copy === ownCopy;
}

function absent(text: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot find cache mount "${text}": no such id or name`, {
    detail: { kind: "cache mount", name: text },
    hint: "Run strata cache ls to see what is there",
  });
}

function ambiguous(text: string, infos: readonly MountInfo[]): EngineError {
  return new EngineError("CONFLICT", `Cannot find cache mount "${text}": the names of several start with it`, {
    detail: { kind: "cache mount", name: text, candidates: infos.map(({ name }) => name) },
    hint: "Give more digits",
  });
}
