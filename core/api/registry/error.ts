import type { EngineError } from "../../errors.ts";
import type { ApiContext } from "../context.ts";
import { statusOf } from "../status.ts";

/** Error codes of the distribution-spec (spec.md, "Error Codes"), and what they stand for in `detail.registryCode` of an error. */
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

/** The answer to a request that failed, as the distribution-spec has it. */
export function showRegistryError(error: EngineError, c: ApiContext): Response {
  const status = statusOf(error);
  const { httpStatus: _status, registryCode, ...detail } = error.detail;
  const code = typeof registryCode === "string" ? registryCode : codeOf(error, status);
  const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  const body = { errors: [{ code, message, ...(Object.keys(detail).length === 0 ? {} : { detail }) }] };
  return Response.json(body, {
    status,
    headers: {
      "Docker-Distribution-Api-Version": "registry/2.0",
      ...(status === 401 ? { "WWW-Authenticate": 'Basic realm="strata"' } : {}),
      ...(status === 429 ? { "Retry-After": "1" } : {}),
      ...(c.req.method === "HEAD" ? { "X-Error-Code": code } : {}),
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
