import { EngineError, isEngineError } from "../errors.ts";

/** Errors that are about the file system a directory is on, rather than about one file in it. */
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EROFS: "read-only file system",
  EIO: "input or output error",
};

/** Runs something; what it throws is explained by {@linkcode explainDisk}. */
export function explaining<T>(doing: string, directory: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw explainDisk(error, doing, directory);
  }
}

/**
 * An error that says what could not be done in which directory, where it is the file system's that it is on; else the error itself.
 * `doing` is a verb phrase that fits between "Cannot" and "in".
 */
export function explainDisk(error: unknown, doing: string, directory: string): unknown {
  if (!isEngineError(error) || error.code !== "OS_FAILED") return error;
  const { errno, path } = error.detail;
  const reason = typeof errno === "string" ? reasons[errno] : undefined;
  if (reason === undefined || typeof path !== "string") return error;
  return new EngineError("OS_FAILED", `Cannot ${doing} in "${directory}": ${reason}`, {
    cause: error,
    detail: { ...error.detail, path: path.startsWith("/") ? path : `${directory}/${path}` },
    ...(errno === "ENOSPC"
      ? { hint: "Free space on its file system, or keep strata's data elsewhere with --root" }
      : {}),
  });
}
