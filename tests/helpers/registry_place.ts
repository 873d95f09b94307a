import { join } from "@std/path";
import { makeCertificate } from "./certificate.ts";
import type { Logins } from "./registry_fixture.ts";
import { type RegistryProcess, startRegistry } from "./registry_process.ts";
import { startTokenServer, tokenIssuer } from "./token_server.ts";

/** A docker-registry and what a client needs to use it. */
export interface RegistryPlace extends AsyncDisposable {
  /** The registry. */
  readonly registry: RegistryProcess;
  /** Config of the registry transport. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Logins of it. */
  readonly logins: Logins;
  /** Requests for tokens so far. */
  readonly tokens: readonly string[];
}

/** How a docker-registry is reached: without and with encryption, with a client certificate, and by the ways to log in. */
export const registryKinds = ["plain http", "TLS", "client certificates", "htpasswd", "tokens"] as const;

/** User and password of the kinds that ask for a login. */
export const registryUser = { username: "ann", secret: "pass:word" };

/** bcrypt of the password. */
const passwordHash = "$2b$05$abcdefghijklmnopqrstuuDIEddBSuRWBBEY6g5zv60IAP5bSSfki";

/** Starts a docker-registry of a kind, with an authority, a password file or a token server of its own. */
export async function startRegistryPlace(kind: typeof registryKinds[number]): Promise<RegistryPlace> {
  const folder = await Deno.makeTempDir();
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const write = async (name: string, text: string): Promise<string> => {
    await Deno.writeTextFile(join(folder, name), text);
    return join(folder, name);
  };
  const finish = (registry: RegistryProcess, more: Partial<RegistryPlace> = {}): RegistryPlace => {
    stack.use(registry);
    return {
      registry,
      config: {},
      logins: {},
      tokens: [],
      ...more,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  };
  if (kind === "plain http") return finish(await startRegistry());
  const authority = await makeCertificate({ name: "Test authority" });
  const ca = await write("ca.pem", authority.cert);
  if (kind === "htpasswd") {
    const path = await write("htpasswd", `${registryUser.username}:${passwordHash}\n`);
    const config = `auth:\n  htpasswd:\n    realm: test\n    path: ${path}\n`;
    const registry = await startRegistry({ config });
    return finish(registry, { logins: { [registry.host]: registryUser } });
  }
  if (kind === "tokens") {
    const users = { [registryUser.username]: registryUser.secret };
    const tokenServer = stack.use(startTokenServer({ certificate: authority, service: "strata-registry", users }));
    const registry = await startRegistry({
      config: `auth:
  token:
    realm: ${tokenServer.realm}
    service: strata-registry
    issuer: ${tokenIssuer}
    rootcertbundle: ${ca}
`,
    });
    return finish(registry, { logins: { [registry.host]: registryUser }, tokens: tokenServer.requests });
  }
  const leaf = await makeCertificate({ name: "registry", issuer: authority, addresses: ["127.0.0.1"] });
  const [certificate, key] = [await write("leaf.pem", leaf.cert), await write("leaf.key", leaf.key)];
  const isMutual = kind === "client certificates";
  const tls = { certificate, key, ...(isMutual ? { clientAuthorities: ca } : {}) };
  const registry = await startRegistry({ tls });
  const own = { ca, ...(isMutual ? { clientCertificate: certificate, clientKey: key } : {}) };
  return finish(registry, { config: { registries: { [registry.host]: own } } });
}
