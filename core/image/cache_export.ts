import type { Call } from "../contract/call.ts";
import type { LayerEntry } from "../contract/layer.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { openRoot } from "../os/file_system.ts";
import { directoryEntries } from "../snapshot/directory_entries.ts";
import { formatMountMeta } from "../snapshot/mount_place.ts";
import type { MountInfo, MountStore } from "../snapshot/mount_store.ts";
import { throwIfAborted } from "../stream/abort.ts";
import { writeTar } from "../tar/write.ts";
import { type CacheEngine, findMounts, openCacheMounts } from "./cache_mount.ts";
import { writeAll, writeOutputFile } from "./output_file.ts";

/**
 * What `cache export` is told.
 *
 * @example One mount
 * ```ts
 * import type { CacheExportInput } from "@strata/strata";
 *
 * const input: CacheExportInput = { mounts: ["go-build"], output: "cache.tar" };
 * console.log(input);
 * ```
 */
export interface CacheExportInput {
  /** Ids of cache mounts, or starts of their names; all mounts when empty or left out. */
  readonly mounts?: readonly string[];
  /** Path of the file to write, or `-` for standard output. */
  readonly output: string;
}

/**
 * What `cache export` wrote.
 *
 * @example How many directories were written
 * ```ts
 * import type { CacheExportResult } from "@strata/strata";
 *
 * const { ids }: CacheExportResult = { ids: ["/root/.npm"] };
 * console.log(ids.length);
 * ```
 */
export interface CacheExportResult {
  /** Ids of the mounts, in order of their names; an id comes again for each further copy. */
  readonly ids: readonly string[];
}

/**
 * Writes cache mounts as a plain tar that `cache import` reads: `mounts/<name>/meta.json`, then `mounts/<name>/data` with the files, their
 * owners, modes, times, links and extended attributes. No command gets a mount while it is written. Rejects `NOT_FOUND` for a mount
 * that is not there, `CONFLICT` for one that is in use, `UNSUPPORTED` for a file name that is not UTF-8, `OS_FAILED`, `CANCELED`.
 *
 * @example Keep what cache mounts hold
 * ```ts
 * import { builtins, createCall, createEngine, exportCache } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * const { ids } = await exportCache(engine, { output: `${root}/cache.tar` }, createCall());
 * console.log(ids);
 * ```
 */
export async function exportCache(
  engine: CacheEngine,
  input: CacheExportInput,
  call: Call,
): Promise<CacheExportResult> {
  throwIfAborted(call.signal);
  const mounts = openCacheMounts(engine);
  const all = mounts.list();
  const asked = input.mounts ?? [];
  const chosen = asked.length === 0 ? all : findMounts(all, asked);
  using held = new DisposableStack();
  const parts = chosen.map((info) => ({ info, path: held.use(hold(mounts, info)).path }));
  const stream = writeTar(entriesOf(parts), call);
  if (input.output === "-") await writeAll(stream, Deno.stdout, { path: "-" }, call);
  else await writeOutputFile(input.output, stream, call);
  return { ids: chosen.map(({ id }) => id) };
}

function hold(mounts: MountStore, info: MountInfo): Disposable & { readonly path: string } {
  const lease = mounts.hold(info);
  if (lease !== undefined) return lease;
  throw new EngineError("CONFLICT", `Cannot export cache mount "${info.id}": it is in use`, {
    detail: { kind: "cache mount", name: info.id },
    hint: "Wait for the build that uses it",
  });
}

/** Of each mount what is known about it, then its files. */
async function* entriesOf(
  parts: readonly { readonly info: MountInfo; readonly path: string }[],
): AsyncGenerator<LayerEntry> {
  for (const { info, path } of parts) {
    const content = new TextEncoder().encode(formatMountMeta(info));
    const mtime = Math.floor(info.lastUsedAt.getTime() / 1000);
    yield {
      type: "file",
      path: `mounts/${info.name}/meta.json`,
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtime,
      size: content.length,
      content,
    };
    using root = openRoot(path);
    try {
      yield* directoryEntries(root, `mounts/${info.name}/data`);
    } catch (error) {
      throw ofMount(info, error);
    }
  }
}

/** The same error, saying which mount it is about. */
function ofMount({ id }: MountInfo, error: unknown): unknown {
  if (!isEngineError(error) || error.code === "CANCELED") return error;
  const { code, message, detail, cause } = error;
  const state = `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  const hint = code === "UNSUPPORTED" ? { hint: "Rename the file, or export the other mounts by their ids" } : {};
  return new EngineError(code, `Cannot export cache mount "${id}": ${state}`, {
    cause: cause ?? error,
    detail,
    ...hint,
  });
}
