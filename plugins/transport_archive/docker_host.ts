import type { Kit } from "../../core/contract/mod.ts";

/** Where a Docker Engine listens: a unix socket or, without encryption, a port. */
export type DockerHost = { readonly socketPath: string } | { readonly hostname: string; readonly port: number };

/** Where Docker listens when nothing else is said. */
export const usualDockerHost = "unix:///var/run/docker.sock";

/**
 * Reads an address as `DOCKER_HOST` has it: `unix://PATH` or `tcp://HOST[:PORT]`. Throws `UNSUPPORTED` for other ways to reach an
 * engine and `INVALID_ARGUMENT` for what is no address.
 */
export function readDockerHost(text: string, kit: Kit): DockerHost {
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.+)$/.exec(text) ?? [];
  if (scheme === "unix" && rest.startsWith("/")) return { socketPath: rest };
  const url = scheme === "tcp" || scheme === "http" ? URL.parse(`http://${rest}`) : null;
  if (url !== null && url.hostname !== "") {
    return { hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(url.port || 2375) };
  }
  const isKnown = scheme !== undefined && ["ssh", "npipe", "fd", "https"].includes(scheme);
  const shown = text.replace(/\/\/[^/@]*@/, "//").slice(0, 160);
  throw kit.error(
    isKnown ? "UNSUPPORTED" : "INVALID_ARGUMENT",
    `Cannot reach Docker at "${shown}": expected unix://PATH or tcp://HOST:PORT`,
    {
      detail: isKnown ? { what: scheme, known: ["unix", "tcp"] } : { field: "DOCKER_HOST", value: shown },
      hint: "Set DOCKER_HOST to the socket of the Docker daemon",
    },
  );
}

/** The address as it is shown. */
export function showDockerHost(host: DockerHost): string {
  return "socketPath" in host ? host.socketPath : `${host.hostname}:${host.port}`;
}
