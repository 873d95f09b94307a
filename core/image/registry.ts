import type { Call } from "../contract/call.ts";
import type { ContentSource } from "../contract/content.ts";
import type { Store } from "../contract/store.ts";
import type { TransportHook, TransportSource } from "../contract/transport.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { familiarReference, formatReference, parseReference, type Reference } from "../oci/reference.ts";
import { verifiedSource } from "../store/verified.ts";
import { expandAlias } from "./alias_name.ts";
import { kindOf } from "./content_kind.ts";

/** Scheme of the transport that speaks to registries. */
export const registryScheme = "registry";

/**
 * What talking to registries needs of an engine.
 *
 * @example Pull with an engine
 * ```ts
 * import { createCall, type PullResult, pullImage, type RegistryEngine } from "@strata/strata";
 *
 * const pull = (engine: RegistryEngine, reference: string): Promise<PullResult> =>
 *   pullImage(engine, { reference }, createCall());
 * ```
 */
export type RegistryEngine = Pick<Engine, "host" | "store" | "config" | "clock">;

/** The transport that speaks to registries. Rejects `UNSUPPORTED` when no plugin does. */
export async function registryHook(engine: Pick<Engine, "host">): Promise<TransportHook> {
  return await engine.host.transport(registryScheme);
}

/** Address of a repository, as the transport has it. */
export function repositoryAddress({ host, repository }: Reference): string {
  return `${host}/${repository}`;
}

/** Opens the repository of a reference for reading. */
export async function openRepository(
  engine: Pick<Engine, "host">,
  reference: Reference,
  call: Call,
): Promise<TransportSource> {
  return await (await registryHook(engine)).source(repositoryAddress(reference), call);
}

/** What a reference points at in its registry. Rejects `NOT_FOUND`. */
export async function resolveRemote(
  source: Pick<ContentSource, "resolve">,
  reference: Reference,
  call: Call,
): Promise<Descriptor> {
  const found = await source.resolve(reference.digest ?? reference.tag ?? "latest", call);
  if (found !== undefined) return found;
  const name = familiarReference(reference);
  throw new EngineError("NOT_FOUND", `Cannot find image "${name}": its registry does not have it`, {
    detail: { kind: "image", name: formatReference(reference) },
    hint: "Check the name, or log in with strata login when the repository is not public",
  });
}

/** Reads a reference, after short names that the config knows were written out. A digest wins over a tag. Throws `INVALID_ARGUMENT`. */
export function readRemoteReference({ config }: Pick<Engine, "config">, text: string): Reference {
  const reference = parseReference(expandAlias(config.aliases, text));
  const { host, repository, digest } = reference;
  return digest === undefined ? reference : { host, repository, digest };
}

/**
 * A source to copy into the store from: manifests, indexes and configs are checked, and taken from the store when they are there; layers are
 * as the registry gives them, because `put` of a store checks what it writes and hashing them twice would take a third of a pull.
 */
export function preferStored(store: Store, source: ContentSource): ContentSource {
  const remote = verifiedSource(source);
  return {
    names: (prefix, call) => remote.names(prefix, call),
    resolve: (name, call) => remote.resolve(name, call),
    open: async (descriptor, call, offset) => {
      const kind = kindOf(descriptor);
      if (kind === "layer") return await source.open(descriptor, call, offset);
      const isStored = ["manifest", "index", "config"].includes(kind) && await store.has(descriptor, call);
      return await (isStored ? store : remote).open(descriptor, call, offset);
    },
  };
}
