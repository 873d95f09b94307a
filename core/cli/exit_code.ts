import type { EngineError, ErrorCode } from "../errors.ts";

const special: Partial<Record<ErrorCode, number>> = { INVALID_ARGUMENT: 2, CANCELED: 130, INTERNAL: 70 };

/**
 * Exit code of the process for an error: 2 for wrong use, 130 when canceled, 70 for a bug, else 1. What is wrong in a line
 * of a build file is no wrong use of the command.
 */
export function exitCodeOf({ code, detail }: Pick<EngineError, "code" | "detail">): number {
  if (code === "INVALID_ARGUMENT" && detail["range"] !== undefined) return 1;
  return special[code] ?? 1;
}
