import { type EngineError, type ErrorCode, isEngineError } from "../../errors.ts";
import type { ApiContext } from "../context.ts";
import { httpError, statusOf } from "../status.ts";

const codes: Readonly<Record<number, ErrorCode>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHORIZED",
  403: "DENIED",
  404: "NOT_FOUND",
  409: "CONFLICT",
  501: "UNSUPPORTED",
};

/** An error in docker's words with docker's status. */
export function dockerError(status: number, message: string, cause?: unknown): EngineError {
  const options = { detail: { isDockers: true }, ...(cause === undefined ? {} : { cause }) };
  return httpError(status, codes[status] ?? "INTERNAL", message, options);
}

/** Whether an error has docker's words already. */
export function isDockers(error: unknown): boolean {
  return isEngineError(error) && error.detail["isDockers"] === true;
}

/** The answer to a request that failed, as the Engine API has it. */
export function showDockerError(error: EngineError, _c: ApiContext): Response {
  const status = dockerStatus(error);
  return Response.json({ message: dockerMessage(error) }, {
    status,
    headers: {
      ...(status === 401 ? { "WWW-Authenticate": 'Basic realm="strata"' } : {}),
      ...(status === 429 ? { "Retry-After": "1" } : {}),
    },
  });
}

/** Status of an error: docker knows fewer than strata's own API. */
export function dockerStatus(error: Pick<EngineError, "code" | "detail">): number {
  const status = statusOf(error);
  if (typeof error.detail["httpStatus"] === "number") return status;
  if (error.code === "PARSE_FAILED") return 400;
  return [400, 401, 403, 404, 409, 501].includes(status) ? status : 500;
}

/** What is said of an error. */
export function dockerMessage(error: unknown): string {
  if (!isEngineError(error)) return error instanceof Error ? error.message : String(error);
  if (error.detail["kind"] === "route") return "page not found";
  if (error.code === "STEP_FAILED") {
    const [, command, code] = /^Cannot run "(.*)": exit code ([0-9]+)$/s.exec(error.message) ?? [];
    if (command !== undefined) return `The command '${command}' returned a non-zero code: ${code}`;
  }
  const range = error.detail["range"];
  if (error.code === "PARSE_FAILED" && typeof range === "object" && range !== null && "line" in range) {
    return `dockerfile parse error on line ${range.line}: ${error.message}`;
  }
  return error.message;
}

/** Code that a client ends with after an error; undefined for its usual one. */
export function exitCodeOf(error: unknown): number | undefined {
  const code = isEngineError(error) && error.code === "STEP_FAILED" ? error.detail["exitCode"] : undefined;
  return typeof code === "number" ? code : undefined;
}
