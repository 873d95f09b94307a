import { EngineError, isEngineError } from "../errors.ts";
import type { Root, Scan } from "../os/file_system.ts";

/** Lists a directory that a command may have written to. Throws `UNSUPPORTED` for a name that is not UTF-8, and `OS_FAILED`. */
export function scanChanged(root: Root, path: string): Scan {
  try {
    return root.scan(path);
  } catch (error) {
    if (!isEngineError(error) || error.code !== "UNSUPPORTED") throw error;
    throw new EngineError("UNSUPPORTED", error.message.replace("read file", "keep file"), {
      cause: error,
      detail: error.detail,
      hint: "Have the command remove the file, or give it another name",
    });
  }
}
