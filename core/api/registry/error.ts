import { EngineError, type ErrorCode, isEngineError } from "../../errors.ts";
import type { ApiContext } from "../context.ts";
import { httpError, statusOf } from "../status.ts";

/** Error codes of the distribution-spec (spec.md, "Error Codes"). */
export type RegistryCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "UNKNOWN";

/** An error with the code that a registry has for it. */
export function registryError(
  status: number,
  registryCode: RegistryCode,
  message: string,
  detail: Readonly<Record<string, unknown>> = {},
): EngineError {
  return httpError(status, codes[registryCode] ?? "INVALID_ARGUMENT", message, { detail: { ...detail, registryCode } });
}

const codes: Partial<Record<RegistryCode, ErrorCode>> = {
  BLOB_UNKNOWN: "NOT_FOUND",
  BLOB_UPLOAD_UNKNOWN: "NOT_FOUND",
  MANIFEST_UNKNOWN: "NOT_FOUND",
  NAME_UNKNOWN: "NOT_FOUND",
  UNSUPPORTED: "UNSUPPORTED",
};

/** What the errors of a use-case are in a registry, by their code. */
export type ErrorTable = Partial<Record<ErrorCode, readonly [status: number, code: RegistryCode]>>;

/** What a use-case gives; its errors as the table has them. */
export async function translated<T>(table: ErrorTable, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const entry = isEngineError(error) ? table[error.code] : undefined;
    // What a route has said already stays.
    if (!isEngineError(error) || entry === undefined || error.detail["httpStatus"] !== undefined) throw error;
    const [httpStatus, registryCode] = entry;
    throw new EngineError(error.code, error.message, {
      cause: error,
      detail: { ...error.detail, httpStatus, registryCode },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** The answer to a request that failed, as the distribution-spec has it. */
export function showRegistryError(error: EngineError, c: ApiContext): Response {
  const status = statusOf(error);
  const { httpStatus: _status, registryCode, missing, headers, ...detail } = error.detail;
  const code = typeof registryCode === "string" ? registryCode : codeOf(error, status);
  const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  const errors = Array.isArray(missing)
    ? missing.map((digest) => ({ code, message, detail: { digest } }))
    : [{ code, message, ...(Object.keys(detail).length === 0 ? {} : { detail }) }];
  return new Response(c.req.method === "HEAD" ? null : JSON.stringify({ errors }), {
    status,
    headers: {
      "Content-Type": "application/json",
      "Docker-Distribution-Api-Version": "registry/2.0",
      ...(status === 401 ? { "WWW-Authenticate": 'Basic realm="strata"' } : {}),
      ...(status === 429 ? { "Retry-After": "1" } : {}),
      ...(typeof headers === "object" && headers !== null ? headers : {}),
    },
  });
}

function codeOf({ code }: EngineError, status: number): RegistryCode {
  if (status === 429) return "TOOMANYREQUESTS";
  if (status === 413) return "SIZE_INVALID";
  switch (code) {
    case "UNAUTHORIZED":
      return "UNAUTHORIZED";
    case "DENIED":
      return "DENIED";
    case "UNSUPPORTED":
      return "UNSUPPORTED";
    case "NOT_FOUND":
      return "NAME_UNKNOWN";
    default:
      return "UNKNOWN";
  }
}
