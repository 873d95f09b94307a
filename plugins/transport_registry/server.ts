import type { Call, Kit } from "../../core/contract/mod.ts";
import { Answer } from "./answer.ts";
import type { Connections } from "./connections.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Body } from "./exchange.ts";
import { broken, canceled, type Doing, hasCode, isOwnError, networkFailure } from "./failure.ts";
import { isRedirect, leadTo, maxRedirects } from "./redirect.ts";
import type { Refusal } from "./session.ts";
import type { RegistrySettings, Settings } from "./settings.ts";
import { createWatchdog } from "./watchdog.ts";

/** What all servers of one plugin share. */
export interface Surroundings {
  /** The plugin's config. */
  readonly settings: Settings;
  /** Open connections. */
  readonly connections: Connections;
  /** Makes errors. */
  readonly kit: Kit;
}

/** A request to one server, not yet tried again nor logged in. */
export interface ServerRequest {
  /** HTTP method. */
  readonly method: string;
  /** Where to. */
  readonly url: URL;
  /** Headers with lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is sent. */
  readonly body?: Body;
  /** Whether the body holds a secret, which goes to no other host. */
  readonly isSecret?: boolean;
  /** What for. */
  readonly doing: Doing;
}

/** What a registry said when it was first met. */
export interface Greeting {
  /** Where it was met: scheme and host of every request. */
  readonly base: URL;
  /** What it asked for; undefined when it asks for nothing. */
  readonly refusal: Refusal | undefined;
}

/** Most milliseconds for the first answer of a host: one that is there answers soon. */
const meetingMs = 20_000;

/** One host that answers for registries. Requests to it follow redirects; credentials do not. */
export class Server {
  readonly #origins: readonly URL[];
  readonly #settings: RegistrySettings;
  readonly #surroundings: Surroundings;
  #greeting: Promise<Greeting> | undefined;
  #isMet = false;

  constructor({ origins, settings }: Pick<Endpoint, "origins" | "settings">, surroundings: Surroundings) {
    this.#origins = origins;
    this.#settings = settings;
    this.#surroundings = surroundings;
  }

  /** Whether it is one of the user's own network, as far as the config tells. */
  get isInternal(): boolean {
    const { plainHttp, insecure, ca } = this.#settings;
    return plainHttp === true || insecure || ca !== undefined;
  }

  /** Whether it has ever answered. */
  get isMet(): boolean {
    return this.#isMet;
  }

  /** Meets the registry: at the first of its addresses that answers. Rejects `NETWORK_FAILED`. */
  async greet(doing: Doing, call: Call): Promise<Greeting> {
    const meeting = this.#greeting ??= this.#meet(doing, call);
    try {
      return await meeting;
    } catch (error) {
      if (this.#greeting === meeting) this.#greeting = undefined;
      if (hasCode(error, "CANCELED") && !call.signal.aborted) return await this.greet(doing, call);
      throw error;
    }
  }

  /** Sends one request and follows where it leads. Rejects `NETWORK_FAILED`, `CANCELED`, and `REMOTE_FAILED` for bad redirects. */
  async send(request: ServerRequest, call: Call): Promise<Answer> {
    const { method, doing } = request;
    const { kit } = this.#surroundings;
    let { url, headers } = request;
    for (let count = 0; count <= maxRedirects; count++) {
      const answer = await this.#sendOne({ ...request, url, headers }, call);
      if (!isRedirect(answer.status, method)) return answer;
      const location = answer.headers.get("location");
      await answer.drain();
      const next = leadTo(location, url, { doing, isInternal: this.isInternal, kit });
      if (next.origin !== url.origin) {
        if (request.isSecret === true) throw broken("leads to another host with a login", doing, kit);
        headers = withoutLogin(headers);
      }
      url = next;
    }
    throw broken(`leads on more than ${maxRedirects} times`, doing, kit);
  }

  async #sendOne({ method, url, headers, body, doing }: ServerRequest, call: Call): Promise<Answer> {
    const { settings, connections, kit } = this.#surroundings;
    if (call.signal.aborted) throw canceled(doing, call.signal, kit);
    const idleMs = this.#isMet ? settings.idleTimeoutMs : Math.min(settings.idleTimeoutMs, meetingMs);
    const watchdog = createWatchdog(idleMs, call.signal);
    const fail = (cause: unknown): Error => {
      if (call.signal.aborted) return canceled(doing, call.signal, kit);
      return networkFailure(cause, doing, { isIdle: watchdog.isIdle, kit });
    };
    const outgoing = {
      method,
      url,
      headers: { "user-agent": "strata", ...headers },
      body,
      signal: watchdog.signal,
      watchdog,
    };
    const isItself = this.#origins.some((origin) => origin.host === url.host);
    try {
      const incoming = await connections.send(outgoing, { host: doing.host, settings: this.#settings, isItself });
      return new Answer(incoming, { method, url, watchdog, fail });
    } catch (cause) {
      const isIdle = watchdog.isIdle;
      watchdog[Symbol.dispose]();
      // What reading the body to send rejected with is the engine's own error.
      if (!isIdle && !call.signal.aborted && isOwnError(cause)) throw cause;
      throw fail(cause);
    }
  }

  async #meet(doing: Doing, call: Call): Promise<Greeting> {
    let failure: unknown;
    for (const base of this.#origins) {
      try {
        const request = { method: "GET", url: new URL("/v2/", base), headers: {}, doing };
        const answer = await this.send(request, call);
        await answer.drain();
        // A server that speaks TLS answers 400 to whoever does not.
        if (answer.status === 400 && base.protocol === "http:" && this.#origins.length > 1) continue;
        this.#isMet = true;
        // What another host asks for is not asked of this one's logins.
        const isAsked = answer.status === 401 && answer.url.origin === base.origin;
        const refusal = isAsked ? { headers: answer.headers, url: answer.url } : undefined;
        return { base, refusal };
      } catch (error) {
        if (!hasCode(error, "NETWORK_FAILED")) throw error;
        if (failure === undefined || base.protocol === "https:") failure = error;
      }
    }
    throw failure;
  }
}

function withoutLogin(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
}
