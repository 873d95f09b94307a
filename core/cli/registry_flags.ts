import { EngineError } from "../errors.ts";
import type { EngineOptions } from "../engine.ts";
import { expandAlias } from "../image/alias_name.ts";
import type { Flag, Input } from "./command.ts";

/** Flags that say how a registry is reached. */
export const registryFlags: readonly Flag[] = [
  { name: "plain-http", type: "boolean", help: "Speak to the registry without encryption" },
  { name: "insecure", type: "boolean", help: "Do not check the certificate of the registry" },
  { name: "ca", type: "string", value: "PATH", help: "Certificates, in PEM, that are trusted beside the usual ones" },
  { name: "cert", type: "string", value: "PATH", help: "Certificate, in PEM, that is shown to the registry" },
  { name: "key", type: "string", value: "PATH", help: "Key of that certificate" },
];

/** Gives registry hosts; `expand` gives what a short name of the config stands for, and other names as they are. */
export type ChooseHosts = (expand: (name: string) => string) => readonly string[];

/** What the flags lay over the config for some hosts; undefined when none is given. Throws `INVALID_ARGUMENT`. */
export function readRegistryFlags(input: Input, hosts: ChooseHosts): EngineOptions["pluginOptions"] {
  const [cert, key] = [input.text("cert"), input.text("key")];
  if ((cert === undefined) !== (key === undefined)) {
    const given = cert === undefined ? "key" : "cert";
    throw new EngineError("INVALID_ARGUMENT", `Cannot use --${given} alone: certificate and key go together`, {
      detail: { field: given },
      hint: "Give both --cert and --key",
    });
  }
  const settings = {
    ...(input.isOn("plain-http") ? { plainHttp: true } : {}),
    ...(input.isOn("insecure") ? { insecure: true } : {}),
    ...(input.text("ca") === undefined ? {} : { ca: input.text("ca") }),
    ...(cert === undefined ? {} : { clientCertificate: cert, clientKey: key }),
  };
  if (Object.keys(settings).length === 0) return undefined;
  return ({ aliases }) => {
    const all = hosts((name) => expandAlias(aliases, name));
    return { "transport-registry": { registries: Object.fromEntries(all.map((host) => [host, settings])) } };
  };
}

/** As {@linkcode readRegistryFlags} for the hosts that the words of a command line name as addresses. */
export async function readRegistryFlagsOf(input: Input): Promise<EngineOptions["pluginOptions"]> {
  if (registryFlags.every(({ name }) => input.text(name) === undefined && !input.isOn(name))) return undefined;
  const { hostsOf } = await import("../image/transfer_place.ts");
  return readRegistryFlags(input, (expand) => hostsOf(input.words, expand));
}
