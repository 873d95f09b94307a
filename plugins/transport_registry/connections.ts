import type { Kit, ProxySettings } from "../../core/contract/mod.ts";
import { type Exchange, fetchExchange, type Incoming, isStreamed, type Outgoing } from "./exchange.ts";
import { isCertificateFault } from "./failure.ts";
import type { NodeExchanges } from "./node_exchange.ts";
import { chooseProxy } from "./proxy.ts";
import type { Route } from "./route.ts";
import type { RegistrySettings } from "./settings.ts";
import { readSystemCertificates, readTrust, type Trust } from "./trust.ts";

/** What {@linkcode Connections} need. */
export interface ConnectionOptions {
  /** Proxies of the environment. */
  readonly proxy: ProxySettings;
  /** Directories with one for each host that has certificates and keys. */
  readonly certificateDirectories: readonly string[];
  /** Makes errors. */
  readonly kit: Kit;
}

/** The registry that a request is sent for. */
export interface OnBehalf {
  /** Host as users write it. */
  readonly host: string;
  /** How it is reached. */
  readonly settings: RegistrySettings;
  /** Whether the request goes to the registry, not to where that led. */
  readonly isItself: boolean;
}

/** Open connections to servers, kept while anyone uses them. */
export class Connections {
  readonly #options: ConnectionOptions;
  /** By host, as users write it. */
  readonly #trust = new Map<string, Promise<Trust>>();
  readonly #clients = new Map<string, Deno.HttpClient>();
  #node: Promise<NodeExchanges> | undefined;
  #users = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Keeps connections open until it is disposed. */
  use(): Disposable {
    this.#users++;
    return {
      [Symbol.dispose]: () => {
        if (--this.#users === 0) this.#close();
      },
    };
  }

  /** Sends one request on behalf of a registry, to it or to where it led. Rejects as {@linkcode Exchange} does. */
  async send(outgoing: Outgoing, registry: OnBehalf): Promise<Incoming> {
    const trust = await this.#readTrust(registry);
    try {
      return await this.#exchange(outgoing, registry, trust);
    } catch (error) {
      if (!isCertificateFault(error)) throw error;
      // The authorities that strata brings do not know it; this machine may.
      const wider = await this.#widenTrust(registry, trust);
      if (wider === undefined) throw error;
      return await this.#exchange(outgoing, registry, wider);
    }
  }

  async #exchange(outgoing: Outgoing, { settings, isItself }: OnBehalf, trust: Trust): Promise<Incoming> {
    // A certificate that tells who the user is goes to the registry alone.
    const client = isItself ? trust.client : undefined;
    const { proxy: general, kit } = this.#options;
    const proxy = chooseProxy(outgoing.url, { own: settings.proxy, general }, kit);
    const route: Route = { ...trust, client, proxy };
    // What fetch finds in the environment it uses, also for hosts that are excepted here.
    const isExcepted = proxy === undefined && (general.http !== undefined || general.https !== undefined);
    if (isStreamed(outgoing.body) || route.insecure || isExcepted) return await (await this.#viaNode(route))(outgoing);
    try {
      return await this.#viaFetch(route)(outgoing);
    } catch (error) {
      // Browsers keep away from some ports, and fetch does as they do.
      if (!(error instanceof TypeError) || !/Requests to port \d+ are blocked/.test(error.message)) throw error;
      return await (await this.#viaNode(route))(outgoing);
    }
  }

  #viaFetch(route: Route): Exchange {
    const { ca, client, proxy } = route;
    if (ca.length === 0 && client === undefined && proxy === undefined) return fetchExchange(undefined);
    const key = JSON.stringify([ca, client, proxy?.href]);
    let found = this.#clients.get(key);
    if (found === undefined) {
      found = Deno.createHttpClient({
        caCerts: [...ca],
        ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
        ...(proxy === undefined ? {} : { proxy: { url: proxy.href } }),
      });
      this.#clients.set(key, found);
    }
    return fetchExchange(found);
  }

  async #viaNode(route: Route): Promise<Exchange> {
    if (route.proxy !== undefined && !/^https?:$/.test(route.proxy.protocol)) {
      const message = `Cannot use a proxy of kind "${route.proxy.protocol}": uploads go through http and https only`;
      throw this.#options.kit.error("UNSUPPORTED", message, { detail: { what: "proxy", known: ["http", "https"] } });
    }
    // Loaded with the first blob that is sent: it takes longer to load than all the rest.
    this.#node ??= import("./node_exchange.ts").then(({ NodeExchanges }) => new NodeExchanges());
    return (await this.#node).for(route);
  }

  #readTrust({ host, settings }: OnBehalf): Promise<Trust> {
    let trust = this.#trust.get(host);
    if (trust === undefined) {
      const { certificateDirectories: directories, kit } = this.#options;
      trust = readTrust({ host, settings, directories, kit });
      this.#trust.set(host, trust);
      trust.catch(() => this.#trust.delete(host));
    }
    return trust;
  }

  async #widenTrust({ host }: OnBehalf, trust: Trust): Promise<Trust | undefined> {
    const known = await this.#trust.get(host);
    if (known !== undefined && known !== trust) return known;
    const system = await readSystemCertificates();
    if (system === undefined || trust.ca.includes(system)) return undefined;
    const wider = { ...trust, ca: [...trust.ca, system] };
    this.#trust.set(host, Promise.resolve(wider));
    return wider;
  }

  #close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    const node = this.#node;
    this.#node = undefined;
    void node?.then((exchanges) => exchanges.close());
  }
}
