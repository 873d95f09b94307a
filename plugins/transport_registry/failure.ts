import type { Digest, Kit } from "../../core/contract/mod.ts";
import type { Answer } from "./answer.ts";
import { printable, reasonOf, showUrl } from "./redact.ts";

/** What was being done when something failed. */
export interface Doing {
  /** Whether a login was used. */
  readonly isLoggedIn?: boolean;
  /** End of a sentence that starts with "Cannot", e.g. `read manifest "v1" of "host/repository"`. */
  readonly doing: string;
  /** Host as users write it. */
  readonly host: string;
}

const maxErrorBytes = 64 * 1024;

/** Facts of a registry's error answer (distribution-spec, "Error Codes"). */
export interface RegistryError {
  /** Codes, e.g. `MANIFEST_UNKNOWN`. */
  readonly codes: readonly string[];
  /** The first code with its message, for people; empty when the registry gave none. */
  readonly text: string;
}

/** Reads the body of an error answer; what is no JSON of that form tells nothing. */
export async function readRegistryError(answer: Answer): Promise<RegistryError> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(await answer.collect(maxErrorBytes)));
  } catch {
    return { codes: [], text: "" };
  }
  const errors: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "errors") : undefined;
  const codes: string[] = [];
  const texts: string[] = [];
  for (const error of Array.isArray(errors) ? errors.slice(0, 10) : []) {
    if (typeof error !== "object" || error === null) continue;
    const { code, message } = error as Record<string, unknown>;
    const name = typeof code === "string" ? printable(code, 80) : "";
    const says = typeof message === "string" ? printable(message, 300) : "";
    if (name !== "") codes.push(name);
    texts.push([name, says].filter((part) => part !== "").join(": "));
  }
  return { codes, text: texts.find((text) => text !== "") ?? "" };
}

/** The error that an answer other than the expected stands for; its body is read or let go. */
export async function refusal(answer: Answer, { doing, host, isLoggedIn }: Doing, kit: Kit): Promise<Error> {
  const { status, method, url } = answer;
  const { codes, text } = await readRegistryError(answer);
  const says = text === "" ? "" : ` (${text})`;
  const retryAfter = answer.headers.get("retry-after");
  const facts = {
    status,
    codes,
    method,
    url: showUrl(url),
    host,
    ...(retryAfter === null ? {} : { retryAfter: printable(retryAfter, 40) }),
  };
  if (status === 401) {
    const state = isLoggedIn === true
      ? "does not take the login, or has no such thing"
      : "does not allow it without a login";
    return unauthorized(`Cannot ${doing}: "${host}" ${state}${says}`, facts, kit);
  }
  if (status === 403) {
    return kit.error("DENIED", `Cannot ${doing}: "${host}" denies it${says}`, { detail: facts, hint: loginHint(host) });
  }
  if (status === 404) {
    const name = codes.includes("NAME_UNKNOWN") ? "repository" : "content";
    return kit.error("NOT_FOUND", `Cannot ${doing}: "${host}" does not have it${says}`, {
      detail: { ...facts, kind: name, name: doing },
    });
  }
  return kit.error("REMOTE_FAILED", `Cannot ${doing}: "${host}" answered ${status}${says}`, {
    detail: facts,
    ...hintFor(status, host),
  });
}

/** The error for a login that is missing or wrong. */
export function unauthorized(message: string, facts: Readonly<Record<string, unknown>>, kit: Kit): Error {
  const host = String(facts.host);
  return kit.error("UNAUTHORIZED", message, { detail: facts, hint: loginHint(host) });
}

/** The error for an answer that never came, or was cut. */
export function networkFailure(
  cause: unknown,
  { doing, host }: Doing,
  facts: { readonly isIdle: boolean; readonly kit: Kit },
): Error {
  const reason = reasonOf(cause);
  const state = facts.isIdle ? `"${host}" fell silent` : `the connection to "${host}" failed (${reason})`;
  const isUntrusted = !facts.isIdle && isCertificateFault(cause);
  // The cause is left out: its text may hold a whole address.
  return facts.kit.error("NETWORK_FAILED", `Cannot ${doing}: ${state}`, {
    detail: { host, ...(isUntrusted ? { reason: "certificate" } : {}) },
    hint: isUntrusted
      ? `Name the authority of its certificate as "ca" of ${host} in the config of transport-registry`
      : "Check the network and the name of the registry, then try again",
  });
}

/** Whether a connection failed for a certificate that nobody vouches for, or that is of another host. */
export function isCertificateFault(cause: unknown): boolean {
  return !isOwnError(cause) && /certificate|UnknownIssuer/i.test(reasonOf(cause));
}

/** Whether a failure of the network may pass with time; a certificate stays what it is. */
export function isPassing(error: unknown): boolean {
  if (!hasCode(error, "NETWORK_FAILED")) return false;
  const { detail } = { detail: undefined, ...(error instanceof Error ? error : {}) };
  return !(typeof detail === "object" && detail !== null && Reflect.get(detail, "reason") === "certificate");
}

/** The error for an answer that breaks the rules. */
export function broken(state: string, { doing, host }: Doing, kit: Kit): Error {
  return kit.error("REMOTE_FAILED", `Cannot ${doing}: "${host}" ${state}`, { detail: { host } });
}

/** Throws `CONTENT_MISMATCH` when an answer says to have stored something else than was sent, as far as it says anything. */
export function checkDigest(
  { headers }: Answer,
  { expected, doing, kit }: { readonly expected: Digest; readonly doing: Doing; readonly kit: Kit },
): void {
  const actual = headers.get("docker-content-digest");
  const algorithm = expected.slice(0, expected.indexOf(":") + 1);
  if (actual === null || actual === expected || !actual.startsWith(algorithm)) return;
  const said = printable(actual, 200);
  throw kit.error(
    "CONTENT_MISMATCH",
    `Cannot ${doing.doing}: "${doing.host}" stored "${said}", expected "${expected}"`,
    {
      detail: { expected, actual: said },
    },
  );
}

/** The error for an aborted call. */
export function canceled({ doing }: Pick<Doing, "doing">, signal: AbortSignal, kit: Kit): Error {
  return kit.error("CANCELED", `Cannot ${doing}: it was canceled`, { cause: signal.reason });
}

/** Whether a caught value is one of the engine's own errors; those of Node have codes too, of another form. */
export function isOwnError(error: unknown): boolean {
  return error instanceof Error && error.name === "EngineError";
}

/** Whether a caught value has one of the codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/** What to do about a missing login. */
function loginHint(host: string): string {
  return `Log in with strata login ${host === "docker.io" ? "" : host}`.trim();
}

function hintFor(status: number, host: string): { hint?: string } {
  if (status === 429) return { hint: `Wait a while, or log in to ${host} for a higher limit` };
  if (status === 413) return { hint: `Set "chunkBytes" for ${host} in the config of transport-registry` };
  if (status >= 500) return { hint: "Try again later" };
  return {};
}
