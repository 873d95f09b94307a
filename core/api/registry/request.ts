import { type HostedRegistry, readRepository, type Repository } from "../../image/hosted_registry.ts";
import type { Digest } from "../../oci/descriptor.ts";
import { isDigest } from "../../oci/digest.ts";
import type { ApiContext, FaceHost } from "../context.ts";
import { registryError } from "./error.ts";

/** What the routes of the registry are made with. */
export interface RegistryHost extends FaceHost {
  readonly registry: HostedRegistry;
}

/** The repository of a request. Throws NAME_INVALID. */
export function repositoryOf(c: ApiContext): Repository {
  try {
    return readRepository(nameOf(c));
  } catch {
    throw registryError(400, "NAME_INVALID", `Cannot use repository "${nameOf(c).slice(0, 300)}": it is no name`);
  }
}

/** The repository of a request as the client spells it. */
export function nameOf(c: ApiContext): string {
  return c.req.param("name") ?? "";
}

/** A digest by an algorithm that stores keep. Throws DIGEST_INVALID. */
export function readDigest(text: string | undefined): Digest {
  if (text !== undefined && isDigest(text) && /^sha(?:256|512):/.test(text)) return text;
  const shown = (text ?? "").slice(0, 160);
  throw registryError(400, "DIGEST_INVALID", `Cannot use digest "${shown}": expected sha256: and 64 hex digits`);
}

/** A page of a sorted list: what comes after `last`, at most `n` of it, with the header that leads to the next one. */
export function pageOf(
  c: ApiContext,
  all: readonly string[],
  most: number = Infinity,
): { readonly page: readonly string[]; readonly headers: Readonly<Record<string, string>> } {
  const text = c.req.query("n");
  if (text !== undefined && !/^[0-9]{1,9}$/.test(text)) {
    throw registryError(400, "UNSUPPORTED", `Cannot give a page of "${text.slice(0, 20)}": expected a number`);
  }
  const last = c.req.query("last");
  const rest = last === undefined ? all : all.filter((each) => each > last);
  const count = Math.min(text === undefined ? Infinity : Number(text), most);
  const page = rest.slice(0, count);
  const end = page.at(-1);
  if (end === undefined || page.length === rest.length) return { page, headers: {} };
  const query = new URLSearchParams(c.req.query());
  query.set("n", String(count));
  query.set("last", end);
  return { page, headers: { Link: `<${c.req.path}?${query}>; rel="next"` } };
}
