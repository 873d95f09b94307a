import { readLoginHost } from "../../image/login.ts";
import type { BroughtLogins } from "../../image/with_logins.ts";
import type { Credential } from "../../contract/credential.ts";
import type { ApiContext } from "../context.ts";

/** Longest header with logins that is read, bytes. */
const maxHeaderLength = 256 * 1024;

/** A login of a client with the registry that it is for. */
export interface AuthConfig {
  readonly credential: Credential;
  /** Host as the client wrote it; empty for Docker Hub or for whatever registry is asked. */
  readonly server: string;
}

/** Reads a login as docker's clients write it, JSON; undefined for what is none. */
export function readAuthConfig(text: string): AuthConfig | undefined {
  const value = readJson(text);
  return value === undefined ? undefined : configOf(value);
}

/** The login that `X-Registry-Auth` brings for whatever registry the request is about. What cannot be read counts as none, as for docker. */
export function loginsOfRequest(c: ApiContext): BroughtLogins {
  const text = decode(c.req.header("x-registry-auth"));
  const auth = text === undefined ? undefined : readAuthConfig(text);
  return () => auth?.credential;
}

/** The logins that `X-Registry-Config` brings, by registry. */
export function loginsOfBuild(c: ApiContext): BroughtLogins {
  const text = decode(c.req.header("x-registry-config"));
  const members = Object.entries((text === undefined ? undefined : readJson(text)) ?? {});
  const logins = new Map<string, Credential>();
  for (const [server, value] of members) {
    const auth = typeof value === "object" && value !== null ? configOf({ ...value }) : undefined;
    if (auth !== undefined) logins.set(readLoginHost(server), auth.credential);
  }
  return (place) => logins.get(place.split("/")[0] ?? place);
}

function configOf(value: Readonly<Record<string, unknown>>): AuthConfig | undefined {
  const text = (key: string): string => {
    const member = value[key];
    return typeof member === "string" ? member : "";
  };
  const server = text("serveraddress");
  const identity = text("identitytoken");
  if (identity !== "") return { credential: { username: "", secret: identity }, server };
  if (text("username") !== "") return { credential: { username: text("username"), secret: text("password") }, server };
  const [, username, secret] = /^([^:]+):(.*)$/s.exec(decode(text("auth")) ?? "") ?? [];
  return username === undefined ? undefined : { credential: { username, secret: secret ?? "" }, server };
}

/** Base64 in either alphabet; undefined for anything else. */
function decode(text: string | undefined): string | undefined {
  if (text === undefined || text === "" || text.length > maxHeaderLength) return undefined;
  try {
    const plain = text.replaceAll("-", "+").replaceAll("_", "/");
    return new TextDecoder().decode(Uint8Array.fromBase64(plain));
  } catch {
    return undefined;
  }
}

function readJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
