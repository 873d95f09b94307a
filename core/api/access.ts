import type { MiddlewareHandler } from "hono";
import type { ApiContext, ApiEnv } from "./context.ts";
import { httpError } from "./status.ts";

/**
 * Refuses requests whose `Host` is none of the names: a page of another site that has its name point at this machine (DNS rebinding) sends
 * that name. Ports do not count.
 */
export function checkHost(hosts: readonly string[]): MiddlewareHandler<ApiEnv> {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return async (c, next) => {
    const host = hostOf(c.req.header("host") ?? new URL(c.req.url).host);
    if (!known.has(host)) {
      throw httpError(403, "DENIED", `Cannot answer: the host "${host.slice(0, 100)}" is not one of this server`, {
        detail: { host: host.slice(0, 100) },
        hint: `Ask for ${[...known].join(" or ")}, or start strata serve with --allow-host`,
      });
    }
    await next();
  };
}

/** Refuses what a browser sends for a page of another place. */
export function checkOrigin(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const origin = c.req.header("origin");
    const isOwn = origin === undefined || isSameHost(origin, c);
    const site = c.req.header("sec-fetch-site");
    if (!isOwn || site === "cross-site") {
      const shown = (origin ?? "another site").slice(0, 100);
      throw httpError(403, "DENIED", `Cannot answer: the request is from a page of "${shown}"`);
    }
    await next();
  };
}

/** Refuses requests without the token, which is sent as `Bearer`, or as the password of any user. */
export function checkToken(token: string): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const given = readToken(c.req.header("authorization"));
    if (given === undefined || !isEqual(given, token)) {
      throw httpError(401, "UNAUTHORIZED", "Cannot answer: the token of this server is missing or wrong", {
        hint: "Send the token that strata serve printed, as Bearer or as a password",
      });
    }
    await next();
  };
}

function readToken(header: string | undefined): string | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(.*)$/.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return undefined;
  const text = readBase64(value);
  return text === undefined ? undefined : text.slice(text.indexOf(":") + 1);
}

function readBase64(text: string): string | undefined {
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}

/** Compares texts in a time that does not tell where they differ, only how long the first one is. */
function isEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}

function isSameHost(origin: string, c: ApiContext): boolean {
  try {
    return new URL(origin).host === (c.req.header("host") ?? new URL(c.req.url).host);
  } catch {
    return false;
  }
}

/** A host without its port, lower-case; an IPv6 address keeps its brackets. */
function hostOf(text: string): string {
  return text.replace(/:[0-9]*$/, "").toLowerCase();
}
