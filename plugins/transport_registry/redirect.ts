import type { Kit } from "../../core/contract/mod.ts";
import { isPrivateHost } from "./address_range.ts";
import { broken, type Doing } from "./failure.ts";
import { showUrl } from "./redact.ts";

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Most redirects that one request follows. */
export const maxRedirects = 10;

/** Whether an answer leads elsewhere; requests that change something are only led by 307 and 308. */
export function isRedirect(status: number, method: string): boolean {
  return method === "GET" || method === "HEAD" ? redirects.has(status) : status === 307 || status === 308;
}

/** What {@linkcode leadTo} has to know. */
export interface LeadContext {
  /** What is being done. */
  readonly doing: Doing;
  /** Whether the registry is one of the user's own network. */
  readonly isInternal: boolean;
  /** Makes errors. */
  readonly kit: Kit;
}

/**
 * Where an address that a server gave leads: to http or https, never without encryption after some (on the same host it is kept), and never from a public host to a private
 * address. Throws `REMOTE_FAILED`.
 */
export function leadTo(location: string | null, from: URL, context: LeadContext): URL {
  const { doing, isInternal, kit } = context;
  const next = location === null ? null : URL.parse(location, from);
  if (next === null) throw broken("leads to no address", doing, kit);
  if (!/^https?:$/.test(next.protocol)) {
    throw broken(`leads to "${next.protocol}", expected http or https`, doing, kit);
  }
  // A server behind one that ends the encryption may not know of it.
  const isSame = next.hostname === from.hostname && (next.port === "" || next.port === from.port);
  if (from.protocol === "https:" && next.protocol === "http:" && isSame) {
    next.protocol = "https:";
    next.port = from.port;
  }
  if (from.protocol === "https:" && next.protocol === "http:") {
    throw broken(`leads to "${showUrl(next)}", which is not encrypted`, doing, kit);
  }
  const isOpen = isInternal || from.host === next.host || isPrivateHost(from.hostname);
  if (!isOpen && isPrivateHost(next.hostname)) {
    throw broken(`leads to "${showUrl(next)}", a private address`, doing, kit);
  }
  next.username = "";
  next.password = "";
  next.hash = "";
  return next;
}
