import type { Kit } from "../../core/contract/mod.ts";
import { showUrl } from "./args.ts";

/** A request for a file. */
export interface FileRequest {
  /** Where it is. */
  readonly url: URL;
  /** Conditions, so that what did not change is not sent. */
  readonly conditions: Readonly<Record<string, string>>;
  /** Aborts the request and its body. */
  readonly signal: AbortSignal;
}

const maxRedirects = 10;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a GET and follows redirects itself: at most 10, to http and https only and never from https to http; user and
 * password go to the origin they were given for. The body comes as stored, never decompressed. Throws `REMOTE_FAILED`
 * for a bad redirect; what `fetch` throws when there is no answer passes through.
 */
export async function requestFile(request: FileRequest, kit: Kit): Promise<Response> {
  let url = request.url;
  for (let count = 0; count <= maxRedirects; count++) {
    const response = await send(url, request);
    if (!redirects.has(response.status)) return response;
    const location = response.headers.get("location");
    await response.body?.cancel();
    url = redirectTarget(url, location, kit);
  }
  throw failed(request.url, `it redirects more than ${maxRedirects} times`, kit);
}

/**
 * Where a redirect leads. Throws `REMOTE_FAILED` when it names no http or https address, or one without encryption
 * after one with it.
 */
export function redirectTarget(from: URL, location: string | null, kit: Kit): URL {
  const next = location === null ? null : URL.parse(location, from);
  if (next === null) throw failed(from, "its redirect names no address", kit);
  if (!/^https?:$/.test(next.protocol)) {
    throw failed(from, `it redirects to "${next.protocol}", expected http or https`, kit);
  }
  if (from.protocol === "https:" && next.protocol === "http:") {
    throw failed(from, `it redirects to "${showUrl(next)}", which is not encrypted`, kit);
  }
  // Credentials stay within one origin, as in browsers and curl.
  if (next.username === "" && next.password === "" && next.origin === from.origin) {
    next.username = from.username;
    next.password = from.password;
  }
  return next;
}

async function send(url: URL, { conditions, signal }: FileRequest): Promise<Response> {
  const headers = new Headers({
    ...conditions,
    "accept": "*/*",
    "accept-encoding": "identity",
    "user-agent": "strata",
  });
  const bare = new URL(url);
  bare.hash = "";
  if (url.username !== "" || url.password !== "") {
    const pair = new TextEncoder().encode(`${decode(url.username)}:${decode(url.password)}`);
    headers.set("authorization", `Basic ${pair.toBase64()}`);
    bare.username = "";
    bare.password = "";
  }
  return await fetch(bare, { headers, redirect: "manual", signal });
}

/** Text as it was before it was put in an address; as it stands when its escapes are malformed. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function failed(url: URL, state: string, kit: Kit): Error {
  const shown = showUrl(url);
  return kit.error("REMOTE_FAILED", `Cannot download "${shown}": ${state}`, {
    detail: { method: "GET", url: shown },
    hint: "Check the address, or name the one that it leads to",
  });
}
