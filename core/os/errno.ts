import { EngineError } from "../errors.ts";

/** Name and text of an error number. */
export interface Errno {
  /** Symbolic name, e.g. `ENOENT`; `E<number>` for a number that is not known here. */
  readonly name: string;
  /** What it means, lower case, for the end of a sentence. */
  readonly text: string;
}

// Linux, asm-generic; the same on every architecture Deno runs on. Names by number, texts by name.
const names: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  26: "ETXTBSY",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  31: "EMLINK",
  32: "EPIPE",
  34: "ERANGE",
  36: "ENAMETOOLONG",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  61: "ENODATA",
  75: "EOVERFLOW",
  95: "EOPNOTSUPP",
  116: "ESTALE",
  122: "EDQUOT",
};

const texts: Readonly<Record<string, string>> = {
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  EINTR: "interrupted",
  EIO: "input or output error",
  ENXIO: "no such device or address",
  EBADF: "bad file descriptor",
  EAGAIN: "temporarily unavailable",
  ENOMEM: "out of memory",
  EACCES: "permission denied",
  EFAULT: "bad address",
  EBUSY: "device or resource busy",
  EEXIST: "file exists",
  EXDEV: "on another file system",
  ENODEV: "no such device",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EINVAL: "invalid argument",
  ENFILE: "too many open files in the system",
  EMFILE: "too many open files",
  ETXTBSY: "text file busy",
  EFBIG: "file too large",
  ENOSPC: "no space left on device",
  ESPIPE: "illegal seek",
  EROFS: "read-only file system",
  EMLINK: "too many links",
  EPIPE: "broken pipe",
  ERANGE: "result too large",
  ENAMETOOLONG: "file name too long",
  ENOSYS: "not offered by this kernel",
  ENOTEMPTY: "directory not empty",
  ELOOP: "a symbolic link is in the way",
  ENODATA: "no data available",
  EOVERFLOW: "value too large",
  EOPNOTSUPP: "not supported by this file system",
  ESTALE: "stale file handle",
  EDQUOT: "disk quota exceeded",
};

/** The name and text of an error number. */
export function readErrno(number: number): Errno {
  const name = names[number] ?? `E${number}`;
  return { name, text: texts[name] ?? `error ${number}` };
}

/** A system call that failed. */
export interface FailedCall {
  /** What was being done, a verb phrase that fits between "Cannot" and a quoted path. */
  readonly action: string;
  /** Name of the system call. */
  readonly syscall: string;
  /** Error name, e.g. `EACCES`. */
  readonly errno: string;
  /** Path as the user would write it. */
  readonly path: string;
  /** What was caught, when the error came as an exception. */
  readonly cause?: unknown;
}

/** An `OS_FAILED` error for a failed system call, with `detail` `{syscall, errno, path}`. */
export function osError(failed: FailedCall): EngineError {
  const { action, syscall, errno, path, cause } = failed;
  return new EngineError("OS_FAILED", `Cannot ${action} "${path}": ${texts[errno] ?? errno}`, {
    cause,
    detail: { syscall, errno, path },
  });
}

/** Error name carried by an error of {@linkcode osError} or one that Deno threw; undefined when it carries none. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof EngineError) return typeof error.detail.errno === "string" ? error.detail.errno : undefined;
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  if (error instanceof Deno.errors.NotCapable) return "EACCES";
  return undefined;
}
