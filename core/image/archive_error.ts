import { EngineError, isEngineError } from "../errors.ts";

/** What an archive that comes through a pipe is called in messages. */
export const standardInput = "standard input";

const hints = {
  load: "Give an archive that strata save, docker save, podman save or skopeo copy wrote whole",
  import: "Give a tar of files, plain or compressed; an archive of an image is for strata load",
  "import cache": "Give an archive that strata cache export wrote, plain or compressed",
} as const;

/**
 * An error about what an archive holds, told with the archive's name and with what to do about it; others pass unchanged. What is
 * wrong deep inside is found by parts that do not know which file they read.
 */
export function ofArchive(error: unknown, verb: keyof typeof hints, label: string): unknown {
  if (!isEngineError(error)) return error;
  const { code, message, detail, cause, hint = hints[verb] } = error;
  if (code !== "INVALID_ARGUMENT" && code !== "CONTENT_MISMATCH") return error;
  const start = `Cannot ${verb} "${label}"`;
  const told = message.includes(`"${label}"`)
    ? message
    : `${start}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  return new EngineError(code, told, { cause: cause ?? error, detail, hint });
}
