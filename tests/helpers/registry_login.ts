/** How a test registry asks for a login. */
export type RegistryLogin =
  | { readonly type: "basic"; readonly users: Readonly<Record<string, string>> }
  | {
    readonly type: "bearer";
    /** Passwords by user; nobody but these, and everybody for `pull` when `isPublic`. */
    readonly users: Readonly<Record<string, string>>;
    /** Whether reading needs no login. */
    readonly isPublic: boolean;
    /** Address of the token server; `/token` of the registry itself when left out. */
    readonly realm?: string;
    /** Tokens that stand for users in the POST flow. */
    readonly identities?: Readonly<Record<string, string>>;
    /** Requests for tokens that are answered; all when left out. */
    readonly methods?: readonly string[];
    /** Requests that a token is good for; any number when left out. */
    readonly uses?: number;
  };

interface TokenUse {
  readonly scopes: readonly string[];
  uses: number;
}

/** Checks logins for a test registry, and hands out tokens. */
export class LoginDesk {
  readonly #login: RegistryLogin;
  readonly #tokens = new Map<string, TokenUse>();

  constructor(login: RegistryLogin) {
    this.#login = login;
  }

  /** The answer to a request without the right login, undefined when it may pass. */
  check(request: Request): Response | undefined {
    const authorization = request.headers.get("authorization") ?? "";
    if (this.#login.type === "basic") {
      if (userOf(authorization, this.#login.users) !== undefined) return undefined;
      return unauthorized('Basic realm="test"');
    }
    const url = new URL(request.url);
    const needed = scopeOf(request.method, url);
    const token = this.#tokens.get(/^Bearer (.+)$/.exec(authorization)?.[1] ?? "");
    if (token !== undefined && token.uses > 0 && covers(token.scopes, needed)) {
      token.uses--;
      return undefined;
    }
    const realm = this.#login.realm ?? `${url.origin}/token`;
    const scope = needed === undefined ? "" : `,scope="${needed}"`;
    const error = authorization === ""
      ? ""
      : `,error="${token === undefined ? "invalid_token" : "insufficient_scope"}"`;
    return unauthorized(`Bearer realm="${realm}",service="test-registry"${scope}${error}`);
  }

  /** Answers as a token server. */
  async token(request: Request): Promise<Response> {
    if (this.#login.type !== "bearer") return new Response(null, { status: 404 });
    const { methods = ["GET", "POST"], users, identities = {}, isPublic } = this.#login;
    if (!methods.includes(request.method)) return new Response(null, { status: 404 });
    const isPost = request.method === "POST";
    const fields = isPost ? new URLSearchParams(await request.text()) : new URL(request.url).searchParams;
    const scopes = isPost ? (fields.get("scope") ?? "").split(" ") : fields.getAll("scope");
    const authorization = request.headers.get("authorization") ?? "";
    const user = isPost
      ? identities[fields.get("refresh_token") ?? ""] ??
        knownUser(users, fields.get("username"), fields.get("password"))
      : userOf(authorization, users);
    if (user === undefined && (isPost || authorization !== "" || !isPublic)) {
      return Response.json({ details: "incorrect username or password" }, { status: 401 });
    }
    const granted = scopes.flatMap((scope) => grant(scope, user !== undefined));
    const token = crypto.randomUUID();
    this.#tokens.set(token, { scopes: granted, uses: this.#login.uses ?? Infinity });
    const identity = Object.entries(identities).find(([, name]) => name === user)?.[0];
    const isOffline = fields.get("offline_token") === "true" || fields.get("access_type") === "offline";
    return Response.json({
      [isPost ? "access_token" : "token"]: token,
      expires_in: 300,
      ...(isOffline && identity !== undefined ? { refresh_token: identity } : {}),
    });
  }
}

function unauthorized(challenge: string): Response {
  const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
  return Response.json({ errors }, { status: 401, headers: { "www-authenticate": challenge } });
}

/** Scope that a request needs; undefined where any token will do. */
function scopeOf(method: string, { pathname, searchParams }: URL): string | undefined {
  const [, repository] = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(pathname) ?? [];
  if (repository === undefined) return undefined;
  if (method === "GET" || method === "HEAD") return `repository:${repository}:pull`;
  if (method === "DELETE" && !pathname.includes("/uploads/")) return `repository:${repository}:delete`;
  const from = searchParams.get("from");
  return `repository:${repository}:pull,push${from === null ? "" : ` repository:${from}:pull`}`;
}

function covers(granted: readonly string[], needed: string | undefined): boolean {
  const scopes = (needed ?? "").split(" ").filter((scope) => scope !== "");
  return scopes.flatMap((scope) => grant(scope, true)).every((action) => granted.includes(action));
}

/** What a scope gives to a user, one entry an action; anyone may pull. */
function grant(scope: string, isUser: boolean): readonly string[] {
  const [place, actions = ""] = scope.split(/:(?=[^:]+$)/);
  return actions.split(",").filter((action) => isUser || action === "pull").map((action) => `${place}:${action}`);
}

function userOf(authorization: string, users: Readonly<Record<string, string>>): string | undefined {
  const [, pair] = /^Basic (.+)$/.exec(authorization) ?? [];
  if (pair === undefined) return undefined;
  const text = new TextDecoder().decode(Uint8Array.fromBase64(pair));
  return knownUser(users, text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1));
}

function knownUser(
  users: Readonly<Record<string, string>>,
  name: string | null,
  password: string | null,
): string | undefined {
  return name !== null && Object.hasOwn(users, name) && users[name] === password ? name : undefined;
}
