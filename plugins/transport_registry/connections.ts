import type { Kit, ProxySettings } from "../../core/contract/mod.ts";
import { type Exchange, fetchExchange, isStreamed, type Outgoing } from "./exchange.ts";
import type { NodeExchanges } from "./node_exchange.ts";
import { chooseProxy } from "./proxy.ts";
import type { Route } from "./route.ts";
import type { RegistrySettings } from "./settings.ts";
import { readTrust, type Trust } from "./trust.ts";

/** What {@linkcode Connections} need. */
export interface ConnectionOptions {
  /** Proxies of the environment. */
  readonly proxy: ProxySettings;
  /** Makes errors. */
  readonly kit: Kit;
}

/** The registry that a request is sent for. */
export interface OnBehalf {
  /** How it is reached. */
  readonly settings: RegistrySettings;
  /** Whether the request goes to the registry, not to where that led. */
  readonly isItself: boolean;
}

/** Open connections to servers, kept while anyone uses them. */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #trust = new Map<RegistrySettings, Promise<Trust>>();
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
  async send(outgoing: Outgoing, { settings, isItself }: OnBehalf): ReturnType<Exchange> {
    const trust = await this.#readTrust(settings);
    // A certificate that tells who the user is goes to the registry alone.
    const client = isItself ? trust.client : undefined;
    const proxy = chooseProxy(outgoing.url, { own: settings.proxy, general: this.#options.proxy }, this.#options.kit);
    const route: Route = { ...trust, client, proxy };
    if (isStreamed(outgoing.body) || route.insecure) return await (await this.#viaNode(route))(outgoing);
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
    // Loaded with the first blob that is sent: it takes longer to load than all the rest.
    this.#node ??= import("./node_exchange.ts").then(({ NodeExchanges }) => new NodeExchanges());
    return (await this.#node).for(route);
  }

  #readTrust(settings: RegistrySettings): Promise<Trust> {
    let trust = this.#trust.get(settings);
    if (trust === undefined) {
      trust = readTrust(settings, this.#options.kit);
      this.#trust.set(settings, trust);
      trust.catch(() => this.#trust.delete(settings));
    }
    return trust;
  }

  #close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    const node = this.#node;
    this.#node = undefined;
    void node?.then((exchanges) => exchanges.close());
  }
}
