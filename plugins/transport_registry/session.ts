import type { Call, Credential, Kit } from "../../core/contract/mod.ts";
import { type Challenge, readChallenges } from "./challenge.ts";
import { type Doing, hasCode } from "./failure.ts";
import { leadTo } from "./redirect.ts";
import {
  type AskServer,
  basicAuthorization,
  fetchToken,
  isIdentityToken,
  type Token,
  type TokenServer,
} from "./token.ts";

/** What a session needs of its surroundings. */
export interface SessionOptions {
  /** Login to use; undefined when there is none. */
  readonly credential: (call: Call) => Promise<Credential | undefined>;
  /** Sends a request to a token server. */
  readonly ask: AskServer;
  /** Whether the registry is one of the user's own network. */
  readonly isInternal: boolean;
  /** Makes errors. */
  readonly kit: Kit;
}

/** What is needed for one request. */
export interface Need {
  /** Scopes, the most needed first, e.g. `repository:library/alpine:pull`. */
  readonly scopes: readonly string[];
  /** What for. */
  readonly doing: Doing;
}

/** An answer with status 401. */
export interface Refusal {
  /** Its headers, with the challenges. */
  readonly headers: Headers;
  /** Address that answered. */
  readonly url: URL;
}

/** What a request is sent with. */
export interface Authorization {
  /** Scheme of it. */
  readonly scheme: "basic" | "bearer";
  /** Value of the header. */
  readonly header: string;
  /** Whether it was got for this request. */
  readonly isNew: boolean;
}

type Scheme =
  | { readonly type: "none" }
  | { readonly type: "basic" }
  | { readonly type: "bearer"; readonly server: TokenServer };

/** How one login gets on with one registry: what the registry asks for, and the tokens that it gave. */
export class Session {
  readonly #options: SessionOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  /** Texts of the tokens that were given out last. */
  readonly #last = new Map<string, string>();
  #credential: Promise<Credential | undefined> | undefined;
  #scheme: Scheme = { type: "none" };
  /** Scopes that turned out to be needed where fewer were asked for. */
  readonly #wider = new Map<string, readonly string[]>();
  #isIntroduced = false;
  #hasLogin = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Whether it has learned anything yet. */
  get isIntroduced(): boolean {
    return this.#isIntroduced;
  }

  /** Whether a login was found, as far as one was looked for. */
  get isLoggedIn(): boolean {
    return this.#hasLogin;
  }

  /** What a request is sent with; undefined for nothing. Rejects `UNAUTHORIZED` when the token server refuses. */
  async authorize(need: Need, call: Call): Promise<Authorization | undefined> {
    const scheme = this.#scheme;
    if (scheme.type === "none") return undefined;
    if (scheme.type === "basic") {
      const credential = await this.#login(call);
      if (credential === undefined) return undefined;
      return { scheme: "basic", header: basicAuthorization(credential), isNew: true };
    }
    const scopes = this.#wider.get(keyOf(need.scopes)) ?? need.scopes;
    const isNew = !this.#tokens.has(keyOf(scopes));
    const token = await this.#token(scheme.server, { ...need, scopes }, call);
    this.#last.set(keyOf(scopes), token.text);
    return { scheme: "bearer", header: `Bearer ${token.text}`, isNew };
  }

  /**
   * Learns from a 401 what the registry asks for; gives whether another attempt may be answered otherwise: when what was `used` was of
   * another scheme or an old token, or when scopes are wanted that were not asked for. Throws `UNSUPPORTED` for a registry that only
   * asks for what strata cannot do.
   */
  learn(answer: Refusal, need: Need, used: Authorization | undefined): boolean {
    this.#isIntroduced = true;
    const challenges = readChallenges(answer.headers);
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm !== undefined);
    if (bearer !== undefined) {
      this.#scheme = { type: "bearer", server: this.#readServer(bearer, answer, need.doing) };
      const isWider = this.#widen(bearer, need, used);
      return isWider || used?.scheme !== "bearer" || !used.isNew;
    }
    const isBasic = challenges.length === 0 || challenges.some(({ scheme }) => scheme === "basic");
    if (!isBasic) throw this.#unsupported(challenges, need.doing);
    this.#scheme = { type: "basic" };
    return used?.scheme !== "basic";
  }

  /** A token to log in with later in place of the password; undefined when the registry gives none. Rejects `UNAUTHORIZED`. */
  async identity(doing: Doing, call: Call): Promise<string | undefined> {
    const credential = await this.#login(call);
    if (this.#scheme.type !== "bearer" || credential === undefined) return undefined;
    const request = { server: this.#scheme.server, scopes: [], credential, wantsIdentity: true, doing };
    const { identity } = await fetchToken(request, this.#options.ask, this.#options.kit, call);
    return isIdentityToken(credential) ? undefined : identity;
  }

  /** Whether there is a login for the registry. */
  async hasLogin(call: Call): Promise<boolean> {
    return await this.#login(call) !== undefined;
  }

  async #login(call: Call): Promise<Credential | undefined> {
    const asking = this.#credential ??= this.#options.credential(call);
    try {
      const credential = await asking;
      this.#hasLogin = credential !== undefined;
      return credential;
    } catch (error) {
      if (this.#credential === asking) this.#credential = undefined;
      // Another caller may have given up while this one still waits.
      if (hasCode(error, "CANCELED") && !call.signal.aborted) return await this.#login(call);
      throw error;
    }
  }

  async #token(server: TokenServer, need: Need, call: Call): Promise<Token> {
    const key = keyOf(need.scopes);
    const known = this.#tokens.get(key);
    const asking = known ?? this.#fetch(server, need, call);
    if (known === undefined) this.#tokens.set(key, asking);
    const forget = (): void => {
      if (this.#tokens.get(key) === asking) this.#tokens.delete(key);
    };
    try {
      const token = await asking;
      if (known === undefined || performance.now() < token.renewAt) return token;
      forget();
    } catch (error) {
      forget();
      if (!hasCode(error, "CANCELED") || call.signal.aborted) throw error;
    }
    return await this.#token(server, need, call);
  }

  async #fetch(server: TokenServer, { scopes, doing }: Need, call: Call): Promise<Token> {
    const credential = await this.#login(call);
    const request = { server, scopes, credential, wantsIdentity: false, doing };
    return await fetchToken(request, this.#options.ask, this.#options.kit, call);
  }

  /** Forgets the token that was refused; gives whether scopes are wanted that were not asked for. */
  #widen({ parameters }: Challenge, { scopes }: Need, used: Authorization | undefined): boolean {
    const before = this.#wider.get(keyOf(scopes)) ?? scopes;
    // Of several requests that an old token was refused, only the first replaces it.
    if (used?.header === `Bearer ${this.#last.get(keyOf(before))}`) {
      this.#tokens.delete(keyOf(before));
      this.#last.delete(keyOf(before));
    }
    const wanted = (parameters.scope ?? "").split(/\s+/).filter((scope) => scope !== "");
    const after = [...new Set([...before, ...wanted])];
    if (after.length > before.length && scopes.length > 0) this.#wider.set(keyOf(scopes), after);
    return after.length > before.length;
  }

  #readServer({ parameters }: Challenge, answer: Refusal, doing: Doing): TokenServer {
    const { kit, isInternal } = this.#options;
    const realm = leadTo(parameters.realm ?? null, answer.url, { doing, isInternal, kit });
    return { realm, service: parameters.service };
  }

  #unsupported(challenges: readonly Challenge[], { doing, host }: Doing): Error {
    const schemes = [...new Set(challenges.map(({ scheme }) => scheme))].sort();
    const message = `Cannot ${doing}: "${host}" asks for a login by ${schemes.join(", ")}, expected basic or bearer`;
    return this.#options.kit.error("UNSUPPORTED", message, {
      detail: { what: "login", known: ["basic", "bearer"], host },
    });
  }
}

function keyOf(scopes: readonly string[]): string {
  return [...scopes].sort().join(" ");
}
