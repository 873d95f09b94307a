import { EngineError } from "../errors.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import { errnoOf, osError } from "../os/errno.ts";

/** What a cache mount's `meta.json` says. */
export interface MountMeta {
  /** What tells it from every other one. */
  readonly id: string;
  /** When it was made. */
  readonly createdAt: Date;
  /** When a command was last given it. */
  readonly lastUsedAt: Date;
}

const namePattern = /^[0-9a-f]{64}(?:-[1-9][0-9]*)?$/;
const temporaryPattern = /^(?:new|old)-[0-9a-f-]{36}$/;

/** Name of the directory that a cache mount has: sha256 of its id, and `-1` and so on for further copies. */
export async function mountName(id: string, copy = 0): Promise<string> {
  const hex = digestHex(await sha256(id));
  return copy === 0 ? hex : `${hex}-${copy}`;
}

/** Whether a directory has the name of a cache mount. */
export function isMountName(name: string): boolean {
  return namePattern.test(name);
}

/** Whether a directory has the name of one that is being made or removed. */
export function isTemporaryName(name: string): boolean {
  return temporaryPattern.test(name);
}

/** Text of a `meta.json`. */
export function formatMountMeta({ id, createdAt, lastUsedAt }: MountMeta): string {
  const meta = { version: 1, id, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt.toISOString() };
  return JSON.stringify(meta) + "\n";
}

/** What the text of a `meta.json` says; undefined when it is none. */
export function parseMountMeta(text: string): MountMeta | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { version, id, createdAt, lastUsedAt } = value as Readonly<Record<string, unknown>>;
  if (version !== 1 || typeof id !== "string" || typeof createdAt !== "string" || typeof lastUsedAt !== "string") {
    return undefined;
  }
  const meta = { id, createdAt: new Date(createdAt), lastUsedAt: new Date(lastUsedAt) };
  return Number.isNaN(meta.createdAt.getTime()) || Number.isNaN(meta.lastUsedAt.getTime()) ? undefined : meta;
}

/** Runs a call on the directory of cache mounts and makes what the system throws an `OS_FAILED` error. */
export function attempt<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const errno = cause instanceof EngineError ? undefined : errnoOf(cause);
    throw errno === undefined ? cause : osError({ action, syscall: "open", errno, path, cause });
  }
}
