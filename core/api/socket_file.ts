import { EngineError } from "../errors.ts";

/** Longest path of a socket file, in bytes (unix(7): `sun_path` of 108 with its end). */
const maxPathBytes = 107;

/**
 * Listens at the path of a socket file that this user alone can connect to: no moment goes by in which others could. A socket file that
 * nobody listens at any more, as a killed server leaves it, is replaced. Rejects `CONFLICT` when somebody does, `INVALID_ARGUMENT` for
 * what is no socket, and `OS_FAILED`.
 */
export async function bindSocket<T>(path: string, bind: () => T): Promise<T> {
  if (new TextEncoder().encode(path).length > maxPathBytes) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot listen at "${path}": it is longer than ${maxPathBytes} bytes`, {
      detail: { field: "socket", value: path },
      hint: "Name a shorter path with --socket",
    });
  }
  try {
    // One that starts at the same time waits, and then finds the other one alive.
    using lock = lockBeside(path);
    void lock;
    await removeStale(path);
    const mask = Deno.umask(0o177);
    try {
      return bind();
    } finally {
      Deno.umask(mask);
    }
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    if (cause instanceof Deno.errors.AddrInUse) throw inUse(path, cause);
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("OS_FAILED", `Cannot listen at "${path}": ${state}`, { cause, detail: { path } });
  }
}

/** The lock (flock) of the directory that the file is in. */
function lockBeside(path: string): Disposable {
  const directory = Deno.openSync(path.slice(0, path.lastIndexOf("/")) || "/");
  try {
    directory.lockSync(true);
    return directory;
  } catch (error) {
    directory.close();
    throw error;
  }
}

async function removeStale(path: string): Promise<void> {
  const info = await Deno.lstat(path).catch(ignoreMissing);
  if (info === undefined) return;
  if (info.isSocket !== true) {
    throw new EngineError("INVALID_ARGUMENT", `Cannot listen at "${path}": it is there and is no socket`, {
      detail: { field: "socket", value: path },
      hint: "Remove it, or name another path with --socket",
    });
  }
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    await Deno.remove(path);
    return;
  }
  throw inUse(path, undefined);
}

function inUse(path: string, cause: unknown): EngineError {
  return new EngineError("CONFLICT", `Cannot listen at "${path}": another server listens there`, {
    cause,
    detail: { kind: "socket", name: path },
    hint: "Stop it, or name another path with --socket",
  });
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}
