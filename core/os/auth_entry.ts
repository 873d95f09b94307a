import type { Credential } from "../contract/credential.ts";
import { isObject } from "./auth_file.ts";

/**
 * The login in an entry of a list: `auth` is base64 of `user:password`, or both are apart; an `identitytoken` wins. Undefined for an entry
 * that holds none, which docker leaves where a helper keeps it, and for a damaged one.
 */
export function readAuthEntry(entry: unknown): Credential | undefined {
  if (!isObject(entry)) return undefined;
  const { auth, identitytoken: token, username, password } = entry;
  if (typeof token === "string" && token !== "") return { username: "", secret: token };
  if (typeof auth === "string" && auth !== "") return decode(auth);
  return typeof username === "string" && typeof password === "string" && username !== ""
    ? { username, secret: password }
    : undefined;
}

/** The entry for a login; what an old one held besides is kept. */
export function writeAuthEntry(old: unknown, { username, secret }: Credential): Readonly<Record<string, unknown>> {
  const { auth: _auth, identitytoken: _token, username: _user, password: _password, ...rest } = isObject(old)
    ? old
    : {};
  if (username === "") return { ...rest, auth: encode("<token>:"), identitytoken: secret };
  return { ...rest, auth: encode(`${username}:${secret}`) };
}

function decode(text: string): Credential | undefined {
  try {
    const plain = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(text.trim()));
    const colon = plain.indexOf(":");
    // Some clients pad the password with NULs.
    return colon < 1
      ? undefined
      : { username: plain.slice(0, colon), secret: plain.slice(colon + 1).replace(/\0+$/, "") };
  } catch {
    return undefined;
  }
}

function encode(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
