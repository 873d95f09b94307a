import type { Call, Credential } from "../../core/contract/mod.ts";
import { RegistryClient, type Shared } from "./client.ts";
import { hostEndpoint } from "./endpoint.ts";

/**
 * Checks a login with a registry; gives what to keep, which is a token in place of the password where the registry gives one. Rejects
 * `UNAUTHORIZED`.
 */
export async function logIn(
  { host, credential }: { readonly host: string; readonly credential: Credential },
  shared: Shared,
  call: Call,
): Promise<Credential> {
  using use = shared.connections.use();
  void use;
  const endpoint = hostEndpoint(host, shared.settings, shared.kit);
  // Nothing that was learned with another login counts.
  const apart: Shared = {
    ...shared,
    servers: new Map(),
    sessions: new Map(),
    credential: () => Promise.resolve(credential),
  };
  const identity = await new RegistryClient(endpoint, apart).login(call);
  return identity === undefined ? credential : { username: "", secret: identity };
}
