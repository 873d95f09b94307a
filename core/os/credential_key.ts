/** Names of Docker Hub in keys of logins. */
const hubHosts = new Set(["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);

/** Key under which Docker Hub's login is kept. */
export const hubKey = "https://index.docker.io/v1/";

/** The key under which docker keeps the login of a host. */
export function keyOf(host: string): string {
  return hubHosts.has(host) ? hubKey : host;
}

/**
 * A key of a list of logins as `host` or `host/path`: without a scheme, and without the path of the API that old clients wrote
 * (`/v1/`, `/v2/`); Docker Hub is `docker.io`.
 */
export function normalizeKey(key: string): string {
  const [host = "", ...path] = key.replace(/^https?:\/\//, "").replace(/\/+$/, "").split("/");
  const rest = /^v[12]$/.test(path[0] ?? "") ? path.slice(1) : path;
  return [hubHosts.has(host) ? "docker.io" : host, ...rest].join("/");
}

/**
 * The key that a login for a place has in a list, the longest part of the place that there is: of `host/team/app` that one itself, else
 * `host/team`, else `host` (containers-auth.json(5)). Undefined when there is none.
 */
export function findKey(keys: readonly string[], place: string): string | undefined {
  const known = new Map(keys.map((key) => [normalizeKey(key), key]));
  const parts = normalizeKey(place).split("/");
  for (let length = parts.length; length > 0; length--) {
    const key = known.get(parts.slice(0, length).join("/"));
    if (key !== undefined) return key;
  }
  return undefined;
}
