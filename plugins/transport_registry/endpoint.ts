import type { Kit } from "../../core/contract/mod.ts";
import { type Address, showRepository } from "./address.ts";
import { type RegistrySettings, registrySettings, type Settings } from "./settings.ts";

/** A server that answers for a registry: the registry itself, or a mirror of it. */
export interface Endpoint {
  /** Host as users write it: the key of its settings and logins. */
  readonly host: string;
  /** Where it may be asked, the first that answers counts. */
  readonly origins: readonly URL[];
  /** Repository at this server. */
  readonly repository: string;
  /** Host of the registry that this is a mirror of. */
  readonly mirrorOf: string | undefined;
  /** How it is reached. */
  readonly settings: RegistrySettings;
}

/** Hosts that are asked under another name than users write. */
const servers: Readonly<Record<string, string>> = { "docker.io": "registry-1.docker.io" };

/** The registry of an address. Throws `DENIED` when the config blocks it. */
export function originEndpoint(address: Address, settings: Settings, kit: Kit): Endpoint {
  return createEndpoint(address.host, { repository: address.repository, mirrorOf: undefined, settings, kit });
}

/** Where an address is read from, in order: the mirrors, then the registry. Throws `DENIED` when the config blocks it. */
export function readEndpoints(address: Address, settings: Settings, kit: Kit): readonly Endpoint[] {
  const origin = originEndpoint(address, settings, kit);
  const mirrors = origin.settings.mirrors.map((place) => {
    const [host = "", ...prefix] = place.split("/");
    const repository = [...prefix, address.repository].join("/");
    return createEndpoint(host, { repository, mirrorOf: address.host, settings, kit });
  });
  return [...mirrors, origin];
}

/** The endpoint of a host when no repository is meant. Throws `DENIED` when the config blocks it. */
export function hostEndpoint(host: string, settings: Settings, kit: Kit): Endpoint {
  return createEndpoint(host, { repository: "", mirrorOf: undefined, settings, kit });
}

/** Whether a host is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}

interface Place {
  readonly repository: string;
  readonly mirrorOf: string | undefined;
  readonly settings: Settings;
  readonly kit: Kit;
}

function createEndpoint(host: string, { repository, mirrorOf, settings, kit }: Place): Endpoint {
  const own = registrySettings(settings, host);
  if (own.blocked) {
    const name = repository === "" ? host : showRepository({ host, repository });
    throw kit.error("DENIED", `Cannot use "${name}": the config blocks registry "${host}"`, {
      detail: { host },
      hint: 'Remove "blocked" from the registry in the config of transport-registry',
    });
  }
  return { host, repository, mirrorOf, settings: own, origins: originsOf(host, own, kit) };
}

function originsOf(host: string, { plainHttp, insecure, ca }: RegistrySettings, kit: Kit): readonly URL[] {
  const server = Object.hasOwn(servers, host) ? servers[host] : host;
  const https = URL.parse(`https://${server}/`);
  const http = URL.parse(`http://${server}/`);
  if (https === null || http === null || !/^[^\s/?#@\\]+$/.test(host)) {
    throw kit.error(
      "INVALID_ARGUMENT",
      `Cannot use registry "${host}": expected a host, with a port where it needs one`,
      {
        detail: { field: "host", value: host },
      },
    );
  }
  if (plainHttp === true) return [http];
  // As for docker: this machine, and what is marked insecure, may do without encryption.
  const isLocal = isLoopback(https.hostname);
  if (plainHttp !== undefined || !(insecure || isLocal)) return [https];
  // A port of this machine most often does, and asking for encryption takes longer than all the rest of a push of nothing new.
  return isLocal && https.port !== "" && ca === undefined ? [http, https] : [https, http];
}
