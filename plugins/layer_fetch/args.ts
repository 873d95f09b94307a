import type { BuildOp, Digest, Kit } from "../../core/contract/mod.ts";

/** Arguments of operation `fetch`. */
export interface FetchArgs {
  /** Where to download from; http or https. */
  readonly url: URL;
  /** Digest that the content must have; sha256, sha384 or sha512. */
  readonly checksum: Digest | undefined;
  /** Name of the one file in the layer. */
  readonly name: string;
}

const hexDigits: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Reads the arguments of a `fetch`. Throws `INVALID_ARGUMENT`. */
export function readFetchArgs(op: BuildOp, kit: Kit): FetchArgs {
  const { url, checksum = null, name } = op.args;
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw refuse("url", typeof url === "string" ? showUrl(url) : "", "expected an http or https address", kit);
  }
  if (typeof name !== "string" || !isFileName(name)) throw refuse("name", String(name), "expected a file name", kit);
  if (checksum === null) return { url: parsed, checksum: undefined, name };
  if (typeof checksum === "string" && isChecksum(checksum)) return { url: parsed, checksum, name };
  throw refuse("checksum", String(checksum), "expected sha256:, sha384: or sha512: and hex digits", kit);
}

/**
 * An address fit to be shown: without user, password and query, where secrets are, and cut after 500 characters.
 */
export function showUrl(url: string | URL): string {
  const parsed = typeof url === "string" ? URL.parse(url) : url;
  if (parsed === null) return "malformed";
  const shown = `${parsed.protocol}//${parsed.host}${parsed.pathname}`.slice(0, 500);
  return parsed.search === "" ? shown : `${shown}?...`;
}

function isFileName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name) && !name.startsWith(".wh.");
}

function isChecksum(text: string): text is Digest {
  const colon = text.indexOf(":");
  const digits = hexDigits[text.slice(0, colon)];
  return digits !== undefined && text.length === colon + 1 + digits && /^[0-9a-f]+$/.test(text.slice(colon + 1));
}

function refuse(field: string, value: string, state: string, kit: Kit): Error {
  const shown = value.slice(0, 500);
  return kit.error("INVALID_ARGUMENT", `Cannot download to ${field} "${shown}": ${state}`, {
    detail: { field, value: shown },
  });
}
