/** Why an OCI runtime did not run a command to its end. */
export interface RuntimeFailure {
  /** What the runtime says. */
  readonly reason: string;
  /**
   * Exit code when it is the command that cannot be started, as a shell has it (POSIX, "Exit Status for Commands"): 127 when there is no
   * such file, 126 when it cannot be executed.
   */
  readonly exitCode?: 126 | 127;
}

/** What crun 1.8 to 1.24 and runc 1.1 to 1.3 say. */
const notFound = /executable file.* not found|exec: .*no such file/i;
const notExecutable =
  /open executable|exists but it is not executable|is not a regular file|exec: .*(permission denied|is a directory)/i;

/**
 * Reads a runtime's log: lines of text of crun, of JSON of runc. Undefined when it tells of no failure, so that an exit code is the
 * command's own.
 */
export function readRuntimeFailure(kind: "crun" | "runc", log: string): RuntimeFailure | undefined {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const reason = (kind === "crun" ? lines : lines.flatMap(readError)).at(-1)?.trim();
  if (reason === undefined) return undefined;
  if (notFound.test(reason)) return { reason, exitCode: 127 };
  return notExecutable.test(reason) ? { reason, exitCode: 126 } : { reason };
}

/** The message of a line that tells of an error; a line that is not JSON is one. */
function readError(line: string): readonly string[] {
  try {
    const entry: unknown = JSON.parse(line);
    const isError = typeof entry === "object" && entry !== null && "level" in entry && entry.level === "error";
    return isError && "msg" in entry && typeof entry.msg === "string" ? [entry.msg] : [];
  } catch {
    return [line];
  }
}
