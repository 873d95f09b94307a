import type { EngineError, ErrorCode, Kit } from "../../core/contract/mod.ts";

/** Whether a caught value is the engine's own error, which passes unchanged. */
export function isEngineError(value: unknown): value is EngineError {
  return value instanceof Error && value.name === "EngineError";
}

/** The system's name of an error, such as `ENOSPC`; undefined when it has none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return unnamed.find(({ text }) => error.message.startsWith(text))?.errno;
}

/** Failures to which Deno gives no code, by what the C library says of them. */
const unnamed: readonly { readonly text: string; readonly errno: string }[] = [
  { text: "File too large", errno: "EFBIG" },
  { text: "Disk quota exceeded", errno: "EDQUOT" },
];

/** Whether a caught value says that a file is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound;
}

/** What was being done when something failed. */
export interface Attempt {
  /** Start of the message, e.g. `Cannot write blob "sha256:…"`. */
  readonly what: string;
  /** File or directory concerned. */
  readonly path: string;
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space on the disk of the store, or run `strata image prune`",
  EDQUOT: "Free some space within the quota of the store, or run `strata image prune`",
  EFBIG: "Raise the limit on the size of files for this process",
  EACCES: "Give this user access to the store, or choose another one with --root",
  EPERM: "Give this user access to the store, or choose another one with --root",
  EROFS: "Choose a store on a writable file system with --root",
  ENOTDIR: "Choose a directory with --root",
};

/** An `OS_FAILED` for whatever a file operation threw; an engine error passes unchanged. */
export function fileFailure(kit: Kit, error: unknown, attempt: Attempt): EngineError {
  if (isEngineError(error)) return error;
  const errno = errnoOf(error);
  const hint = errno === undefined ? undefined : hints[errno];
  return kit.error("OS_FAILED", `${attempt.what}: ${describe(error)}`, {
    cause: error,
    detail: { path: attempt.path, ...(errno === undefined ? {} : { errno }) },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What SQLite says about a file, and what it means for a user. SQLite's result texts are fixed (sqlite.org/rescode.html). */
const databaseStates: readonly { readonly text: string; readonly errno: string; readonly hint: string }[] = [
  {
    text: "file is not a database",
    errno: "SQLITE_NOTADB",
    hint: "Restore the file from a backup, or remove the directory of the store to start with an empty one",
  },
  {
    text: "disk image is malformed",
    errno: "SQLITE_CORRUPT",
    hint: "Restore the file from a backup, or remove the directory of the store to start with an empty one",
  },
  {
    text: "file is encrypted",
    errno: "SQLITE_NOTADB",
    hint: "Restore the file from a backup, or remove the directory of the store to start with an empty one",
  },
  {
    text: "disk is full",
    errno: "ENOSPC",
    hint: "Free some space on the disk of the store, or run `strata image prune`",
  },
  {
    text: "is locked",
    errno: "SQLITE_BUSY",
    hint: "Wait until the other process is done with the store, and try again",
  },
  {
    text: "readonly database",
    errno: "EACCES",
    hint: "Give this user access to the store, or choose another one with --root",
  },
  {
    text: "unable to open database file",
    errno: "SQLITE_CANTOPEN",
    hint: "Give this user access to the store, or choose another one with --root",
  },
  { text: "disk I/O error", errno: "EIO", hint: "Check the disk of the store" },
];

/** Of a disk that is so full that SQLite cannot even read; it says no more than `disk I/O error` then. */
const fullDisk = {
  text: "no space is left on its disk",
  errno: "ENOSPC",
  hint: "Free some space on the disk of the store",
};

/** Whether the directory of a file takes another block. */
function takesBytes(path: string): boolean {
  const probe = `${path}.probe`;
  try {
    Deno.writeFileSync(probe, new Uint8Array(4096));
    Deno.removeSync(probe);
    return true;
  } catch (error) {
    try {
      Deno.removeSync(probe);
    } catch {
      // It was not made.
    }
    return errnoOf(error) !== "ENOSPC";
  }
}

/** Whether SQLite says that another process has what is wanted. */
export function isLocked(error: unknown): boolean {
  return describe(error).includes("is locked");
}

/** An `OS_FAILED` for whatever SQLite threw about the database at a path; an engine error passes unchanged. */
export function databaseFailure(kit: Kit, error: unknown, path: string): EngineError {
  if (isEngineError(error)) return error;
  const told = describe(error);
  const known = databaseStates.find((state) => told.includes(state.text));
  const state = known?.errno === "EIO" && !takesBytes(path) ? fullDisk : known;
  const text = state === fullDisk ? fullDisk.text : told;
  return kit.error("OS_FAILED", `Cannot use store database "${path}": ${text}`, {
    cause: error,
    detail: { path, ...(state === undefined ? {} : { errno: state.errno }) },
    ...(state === undefined ? {} : { hint: state.hint }),
  });
}

/** Rejects when the caller has given up. Throws `CANCELED`. */
export function checkSignal(kit: Kit, signal: AbortSignal, what: string): void {
  if (signal.aborted) throw failure(kit, "CANCELED", `${what}: the operation was canceled`);
}

/** An error with no facts beyond its message. */
export function failure(kit: Kit, code: ErrorCode, message: string): EngineError {
  return kit.error(code, message);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
