import type { EngineError, ErrorCode } from "../../errors.ts";
import type { ApiContext } from "../context.ts";
import { statusOf } from "../status.ts";
import type { Problem } from "./schema/common.ts";

/** Media type of an error (RFC 9457). */
export const problemType = "application/problem+json";

const titles: Readonly<Record<ErrorCode, string>> = {
  INVALID_ARGUMENT: "The request is wrong",
  PARSE_FAILED: "The build file cannot be read",
  NOT_FOUND: "There is no such thing",
  CONFLICT: "It is in use, or several things answer to it",
  CONTENT_MISMATCH: "Bytes are not what their digest says",
  UNSUPPORTED: "It cannot be done here",
  UNAUTHORIZED: "A login is missing or wrong",
  DENIED: "It is not allowed",
  REMOTE_FAILED: "A registry answered with an error",
  NETWORK_FAILED: "Another host did not answer",
  STEP_FAILED: "A command of the build failed",
  OS_FAILED: "The operating system refused something",
  PLUGIN_FAILED: "A plugin failed",
  CANCELED: "It was canceled",
  INTERNAL: "strata has an error",
};

/** An error as JSON has it. */
export function problemOf(error: EngineError): Problem {
  const { httpStatus: _status, allow: _allow, ...facts } = error.detail;
  return {
    // A part of the reference page, which tells of each code.
    type: `/v1/docs#${error.code}`,
    title: titles[error.code],
    status: statusOf(error),
    detail: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(Object.keys(facts).length === 0 ? {} : { facts }),
  };
}

/** The answer to a request that failed: the one place where errors of strata's own API become answers. */
export function showProblem(error: EngineError, c: ApiContext): Response {
  const problem = problemOf(error);
  const { status } = problem;
  const { allow } = error.detail;
  return new Response(c.req.method === "HEAD" ? null : JSON.stringify(problem), {
    status,
    headers: {
      "Content-Type": problemType,
      ...(status === 401 ? { "WWW-Authenticate": 'Basic realm="strata"' } : {}),
      ...(status === 429 ? { "Retry-After": "1" } : {}),
      ...(typeof allow === "string" ? { Allow: allow } : {}),
    },
  });
}

/** What each error code means, for the reference page. */
export const errorTitles: Readonly<Record<string, string>> = titles;
