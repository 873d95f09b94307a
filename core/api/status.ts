import { EngineError, type EngineErrorOptions, type ErrorCode, isEngineError } from "../errors.ts";

const statuses: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  PARSE_FAILED: 422,
  NOT_FOUND: 404,
  CONFLICT: 409,
  CONTENT_MISMATCH: 422,
  UNSUPPORTED: 501,
  UNAUTHORIZED: 401,
  DENIED: 403,
  REMOTE_FAILED: 502,
  NETWORK_FAILED: 504,
  STEP_FAILED: 422,
  OS_FAILED: 500,
  PLUGIN_FAILED: 500,
  CANCELED: 499,
  INTERNAL: 500,
};

/** HTTP status of an error: the one that the adapter has put in it, else that of its code. */
export function statusOf({ code, detail }: Pick<EngineError, "code" | "detail">): number {
  const own = detail["httpStatus"];
  return typeof own === "number" ? own : statuses[code];
}

/** An error of the adapter itself, with the status that HTTP has for it. */
export function httpError(
  status: number,
  code: ErrorCode,
  message: string,
  options: EngineErrorOptions = {},
): EngineError {
  return new EngineError(code, message, { ...options, detail: { ...options.detail, httpStatus: status } });
}

/** What was caught as an error that a face can show. What is no error of the engine's is a bug, or work that was aborted. */
export function toEngineError(caught: unknown, signal: AbortSignal): EngineError {
  if (isEngineError(caught)) return caught;
  if (signal.aborted) return new EngineError("CANCELED", "Canceled", { cause: caught });
  const state = caught instanceof Error ? caught.message : String(caught);
  return new EngineError("INTERNAL", `Cannot answer: ${state}`, { cause: caught });
}
