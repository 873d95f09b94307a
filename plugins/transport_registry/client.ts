import type { Call, Credential, Digest, Quota } from "../../core/contract/mod.ts";
import type { Answer } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Body } from "./exchange.ts";
import { type Doing, refusal } from "./failure.ts";
import { readQuota } from "./quota.ts";
import { isRetried, repeat } from "./retry.ts";
import { type Greeting, Server, type Surroundings } from "./server.ts";
import { Session } from "./session.ts";

/** A request to a registry. */
export interface RegistryRequest {
  /** HTTP method. */
  readonly method: string;
  /** Path below the repository, e.g. `manifests/latest`, or an address that the registry gave. */
  readonly at: string | URL;
  /** Headers with lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent. */
  readonly body?: Body;
  /** Scopes, the most needed first. */
  readonly scopes: readonly string[];
  /** What for, as the end of a sentence that starts with "Cannot". */
  readonly doing: string;
  /** Times that it is sent at most; the config's when left out. */
  readonly attempts?: number;
}

/** Times that a host which was never met is asked at most. */
const firstAttempts = 3;

/** Gives the login for a place. */
export type FindCredential = (place: string, call: Call) => Promise<Credential | undefined>;

/** What all clients of one plugin share. */
export interface Shared extends Surroundings {
  /** Servers by host. */
  readonly servers: Map<string, Server>;
  /** Sessions by host and repository. */
  readonly sessions: Map<string, Session>;
  /** Gives logins. */
  readonly credential: FindCredential;
}

/** Speaks to one repository of one server: logs in, follows, tries again. */
export class RegistryClient {
  /** Who is spoken to. */
  readonly endpoint: Endpoint;
  readonly #shared: Shared;
  readonly #server: Server;
  readonly #session: Session;
  #quota: Quota | undefined;

  constructor(endpoint: Endpoint, shared: Shared) {
    this.endpoint = endpoint;
    this.#shared = shared;
    this.#server = findServer(endpoint, shared);
    this.#session = findSession(endpoint, this.#server, shared);
  }

  /** Whether the registry is one of the user's own network, as far as the config tells. */
  get isInternal(): boolean {
    return this.#server.isInternal;
  }

  /** Whether an answer is from where the registry led. */
  isElsewhere({ url }: Answer): boolean {
    return !this.endpoint.origins.some((origin) => origin.host === url.host);
  }

  /** What the registry told last of how much may be read. */
  get quota(): Quota | undefined {
    return this.#quota;
  }

  /**
   * Sends a request, again while the network or the server fails for a while, and logs in where that is asked for. Gives whatever
   * the last answer was; its body must be read or let go. Rejects `NETWORK_FAILED`, `UNAUTHORIZED`, `UNSUPPORTED`, `CANCELED`.
   */
  async send(request: RegistryRequest, call: Call): Promise<Answer> {
    const { settings, kit } = this.#shared;
    const doing = this.#doing(request);
    const wanted = request.attempts ?? settings.attempts;
    // A host that never answered is more likely misspelled or down than busy.
    const attempts = (): number => this.#server.isMet ? wanted : Math.min(wanted, firstAttempts);
    const isPassing = (answer: Answer): boolean => this.#isPassing(answer);
    const repetition = { attempts, isPassing, settings, doing, kit };
    return await repeat(() => this.#sendOnce(request, doing, call), repetition, call);
  }

  /** As {@linkcode send}, and rejects for a status other than those expected: `UNAUTHORIZED`, `DENIED`, `NOT_FOUND`, `REMOTE_FAILED`. */
  async expect(request: RegistryRequest, statuses: readonly number[], call: Call): Promise<Answer> {
    const answer = await this.send(request, call);
    if (statuses.includes(answer.status)) return answer;
    throw await this.refusal(answer, request);
  }

  /** The error that an unexpected answer stands for. */
  async refusal(answer: Answer, request: Pick<RegistryRequest, "doing">): Promise<Error> {
    const isLoggedIn = this.#session.isLoggedIn;
    return await refusal(answer, { ...this.#doing(request), isLoggedIn }, this.#shared.kit);
  }

  /** Logs in; gives the token to keep in place of the password, where the registry gives one. Rejects `UNAUTHORIZED`. */
  async login(call: Call): Promise<string | undefined> {
    const doing = `log in to "${this.endpoint.host}"`;
    const { base } = await this.#greet(this.#doing({ doing }), call);
    const answer = await this.expect({ method: "GET", at: new URL("/v2/", base), scopes: [], doing }, [200], call);
    await answer.drain();
    return await this.#session.identity(this.#doing({ doing }), call);
  }

  async #sendOnce(request: RegistryRequest, doing: Doing, call: Call): Promise<Answer> {
    const { base } = await this.#greet(doing, call);
    const url = typeof request.at === "string" ? this.#resolve(request.at, base) : request.at;
    const { method, body, scopes } = request;
    for (let round = 0;; round++) {
      const isOwn = url.origin === base.origin;
      const used = isOwn ? await this.#session.authorize({ scopes, doing }, call) : undefined;
      const headers = { ...request.headers, ...(used === undefined ? {} : { authorization: used.header }) };
      const sent = { method, url, headers, doing, ...(body === undefined ? {} : { body }) };
      const answer = await this.#server.send(sent, call);
      this.#quota = readQuota(answer.headers) ?? this.#quota;
      if (answer.status !== 401 || answer.url.origin !== base.origin || round === 2) return answer;
      const isWorthIt = this.#session.learn(answer, { scopes, doing }, used);
      if (!isWorthIt || !await this.#canLogIn(answer, call)) return answer;
      await answer.drain();
    }
  }

  async #canLogIn({ headers }: Answer, call: Call): Promise<boolean> {
    const isBearer = /\bbearer\b/i.test(headers.get("www-authenticate") ?? "");
    return isBearer || await this.#session.hasLogin(call);
  }

  async #greet(doing: Doing, call: Call): Promise<Greeting> {
    const greeting = await this.#server.greet(doing, call);
    if (greeting.refusal !== undefined && !this.#session.isIntroduced) {
      this.#session.learn(greeting.refusal, { scopes: [], doing }, undefined);
    }
    return greeting;
  }

  #resolve(path: string, base: URL): URL {
    const url = new URL(`/v2/${this.endpoint.repository}/${path}`, base);
    const { mirrorOf } = this.endpoint;
    if (mirrorOf !== undefined) url.searchParams.set("ns", mirrorOf);
    return url;
  }

  /** Whether another attempt may be answered otherwise: an address that the registry led to may have expired. */
  #isPassing(answer: Answer): boolean {
    const { status, method } = answer;
    if (isRetried(status)) return true;
    return method === "GET" && (status === 401 || status === 403) && this.isElsewhere(answer);
  }

  #doing({ doing }: { readonly doing: string }): Doing {
    return { doing, host: this.endpoint.host };
  }
}

/** Scope for one repository. */
export function repositoryScope(repository: string, actions: string): string {
  return `repository:${repository}:${actions}`;
}

/** Path of a blob below its repository. */
export function blobPath(digest: Digest): string {
  return `blobs/${digest}`;
}

function findServer(endpoint: Endpoint, shared: Shared): Server {
  let server = shared.servers.get(endpoint.host);
  if (server === undefined) {
    server = new Server(endpoint, shared);
    shared.servers.set(endpoint.host, server);
  }
  return server;
}

function findSession(endpoint: Endpoint, server: Server, shared: Shared): Session {
  const place = endpoint.repository === "" ? endpoint.host : `${endpoint.host}/${endpoint.repository}`;
  const doing = { doing: `get a token for "${place}"`, host: endpoint.host };
  let session = shared.sessions.get(place);
  if (session === undefined) {
    session = new Session({
      credential: (call) => shared.credential(place, call),
      ask: (request, call) => {
        const { settings, kit } = shared;
        const isPassing = ({ status }: Answer): boolean => isRetried(status);
        const repetition = { attempts: () => settings.attempts, isPassing, settings, doing, kit };
        return repeat(() => server.send({ ...request, doing }, call), repetition, call);
      },
      isInternal: server.isInternal,
      kit: shared.kit,
    });
    shared.sessions.set(place, session);
  }
  return session;
}
