import { EngineError } from "../errors.ts";
import { errnoOf } from "../os/errno.ts";

/** How a file of a context differs from what was seen of it before. */
export type ContextChange = "it changed" | "it vanished" | "it appeared";

/** The `CONFLICT` error for a context that is written to while a build reads it. */
export function contextChanged(path: string, change: ContextChange, cause?: unknown): EngineError {
  return new EngineError("CONFLICT", `Cannot read context file "${path}": ${change} while it was being read`, {
    cause,
    detail: { kind: "context file", name: path },
    hint: "Build again when nothing writes to the context, or leave the file out with .dockerignore",
  });
}

/** The `NOT_FOUND` error for a path that a context does not have. */
export function notInContext(path: string): EngineError {
  return new EngineError("NOT_FOUND", `Cannot find "/${path === "." ? "" : path}" in the build context: no such file`, {
    detail: { kind: "file", name: path },
    hint: "Check the path, and that .dockerignore does not leave it out",
  });
}

/** Runs calls on a file that was seen before, and says of a failure what it means for the context. */
export function readingContext<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw explain(path, error);
  }
}

function explain(path: string, error: unknown): unknown {
  switch (errnoOf(error)) {
    case "ENOENT":
    case "ESTALE":
      return contextChanged(path, "it vanished", error);
    case "ENOTDIR":
    case "ELOOP":
    case "ENXIO":
    case "EISDIR":
      return contextChanged(path, "it changed", error);
    case "EACCES":
    case "EPERM":
      return new EngineError("OS_FAILED", `Cannot read context file "${path}": permission denied`, {
        cause: error,
        detail: { syscall: "openat", errno: "EACCES", path },
        hint: "Make the file readable, or leave it out with .dockerignore",
      });
    default:
      return error;
  }
}

/** The error for a context directory that cannot be opened; other failures are given back. */
export function contextMissing(path: string, cause: unknown): unknown {
  const errno = errnoOf(cause);
  if (errno !== "ENOENT" && errno !== "ENOTDIR") return cause;
  const state = errno === "ENOENT" ? "no such directory" : "it is not a directory";
  return new EngineError("NOT_FOUND", `Cannot open build context "${path}": ${state}`, {
    cause,
    detail: { kind: "directory", name: path },
    hint: "Give a directory, a git or http URL, or - for an archive on standard input",
  });
}
