import type { TransportHook } from "../contract/transport.ts";
import type { Engine } from "../engine.ts";
import { isEngineError } from "../errors.ts";
import { parseReference } from "../oci/reference.ts";
import { expandAlias } from "./alias_name.ts";
import { registryHook, registryScheme } from "./registry.ts";

/** A place to copy from or to. */
export type Place =
  | {
    readonly type: "store";
    /** Name or ID of an image; empty for whatever names the other end has. */
    readonly text: string;
  }
  | {
    readonly type: "registry";
    readonly hook: TransportHook;
    readonly host: string;
    readonly repository: string;
    /** Tag or digest, where the user wrote one. */
    readonly name: string | undefined;
  }
  | { readonly type: "transport"; readonly hook: TransportHook; readonly address: string };

/**
 * Reads an address: `store:NAME` or a name alone is the store, `registry:NAME` (also `docker://NAME`, as skopeo writes it) a registry, and
 * other schemes are what plugins offer. A name whose host is called as a scheme, such as `registry:5000/app`, is a name. Throws
 * `INVALID_ARGUMENT`.
 */
export async function readPlace(engine: Pick<Engine, "host" | "config">, text: string): Promise<Place> {
  const colon = text.indexOf(":");
  const [scheme, address] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  if (scheme === "" || /^\d{1,5}\//.test(address)) return { type: "store", text };
  if (scheme === "store") return { type: "store", text: address };
  if (scheme === registryScheme) return await registryPlace(engine, address);
  if (text.startsWith("docker://")) return await registryPlace(engine, text.slice("docker://".length));
  const hook = await findTransport(engine, scheme);
  return hook === undefined ? { type: "store", text } : { type: "transport", hook, address };
}

/** The place that a reference of a registry is. Throws `INVALID_ARGUMENT`. */
export async function registryPlace(
  engine: Pick<Engine, "host" | "config">,
  text: string,
): Promise<Extract<Place, { type: "registry" }>> {
  const full = expandAlias(engine.config.aliases, text);
  const { host, repository, tag, digest } = parseReference(full);
  const name = digest ?? (tag !== undefined && full.endsWith(`:${tag}`) ? tag : undefined);
  return { type: "registry", hook: await registryHook(engine), host, repository, name };
}

/** Registry hosts that addresses name, as far as they can be told without plugins; `expand` knows short names. */
export function hostsOf(texts: readonly string[], expand: (name: string) => string): readonly string[] {
  return texts.flatMap((text) => {
    const address = /^(?:registry:|docker:\/\/)(.+)$/.exec(text)?.[1];
    try {
      return address === undefined ? [] : [parseReference(expand(address)).host];
    } catch {
      // It is refused when it is read as an address.
      return [];
    }
  });
}

async function findTransport(engine: Pick<Engine, "host">, scheme: string): Promise<TransportHook | undefined> {
  try {
    return await engine.host.transport(scheme);
  } catch (error) {
    if (isEngineError(error) && error.code === "UNSUPPORTED") return undefined;
    throw error;
  }
}
