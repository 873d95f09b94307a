import type { Call, Credential, Kit } from "../../core/contract/mod.ts";
import type { Answer } from "./answer.ts";
import { broken, type Doing, readRegistryError, refusal, unauthorized } from "./failure.ts";

/** A token server as a challenge names it (distribution, "Token Authentication Specification"). */
export interface TokenServer {
  /** Address, checked. */
  readonly realm: URL;
  /** Name of the registry there; undefined when the challenge gives none. */
  readonly service: string | undefined;
}

/** A token and how long it holds. */
export interface Token {
  /** Goes behind `Bearer`. */
  readonly text: string;
  /** When it is to be replaced, on the clock of `performance.now()`. */
  readonly renewAt: number;
  /** Token to log in with later, in place of a password; undefined when the server gave none. */
  readonly identity: string | undefined;
}

/** What a token is asked for. */
export interface TokenRequest {
  /** Where. */
  readonly server: TokenServer;
  /** Scopes, the needed one first: some servers read no more. */
  readonly scopes: readonly string[];
  /** Who asks; undefined for anyone. */
  readonly credential: Credential | undefined;
  /** Whether a token to log in with later is wanted too. */
  readonly wantsIdentity: boolean;
  /** What for. */
  readonly doing: Doing;
}

/** One request to the token server. */
export type AskServer = (
  request: {
    readonly method: "GET" | "POST";
    readonly url: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array<ArrayBuffer>;
    readonly isSecret?: boolean;
  },
  call: Call,
) => Promise<Answer>;

const maxTokenBytes = 1024 * 1024;
/** Seconds that a token holds when the server does not tell. */
const defaultSeconds = 60;
const clientId = "strata";

/** Whether a credential is a token to log in with, which Docker marks with a user name. */
export function isIdentityToken({ username }: Credential): boolean {
  return username === "" || username === "<token>";
}

/** Value of an `Authorization` header for Basic (RFC 7617). */
export function basicAuthorization({ username, secret }: Credential): string {
  return `Basic ${new TextEncoder().encode(`${username}:${secret}`).toBase64()}`;
}

/**
 * Asks for a token: an identity token by POST, anything else by GET, and the other way when the server does not know the first.
 * Rejects `UNAUTHORIZED` when it refuses.
 */
export async function fetchToken(request: TokenRequest, ask: AskServer, kit: Kit, call: Call): Promise<Token> {
  const { credential, doing } = request;
  const isIdentity = credential !== undefined && isIdentityToken(credential);
  const ways = credential === undefined ? [askByGet] : isIdentity ? [askByPost, askByGet] : [askByGet, askByPost];
  let answer: Answer | undefined;
  for (const way of ways) {
    await answer?.drain();
    answer = await way(request, ask, call);
    if (answer.status === 200) return readToken(answer, doing, kit);
    const isUnknownWay = [404, 405].includes(answer.status) || (answer.status === 401 && way === askByPost);
    if (!isUnknownWay) break;
  }
  if (answer === undefined) throw broken("has no token server", doing, kit);
  throw await refusedToken(answer, request, kit);
}

async function askByGet(
  { server, scopes, credential, wantsIdentity }: TokenRequest,
  ask: AskServer,
  call: Call,
): Promise<Answer> {
  const url = new URL(server.realm);
  if (server.service !== undefined) url.searchParams.set("service", server.service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (wantsIdentity) {
    url.searchParams.set("offline_token", "true");
    url.searchParams.set("client_id", clientId);
  }
  if (credential === undefined) return await ask({ method: "GET", url, headers: {} }, call);
  const login = { username: credential.username === "" ? "<token>" : credential.username, secret: credential.secret };
  if (!isIdentityToken(credential)) url.searchParams.set("account", credential.username);
  return await ask({ method: "GET", url, headers: { authorization: basicAuthorization(login) } }, call);
}

async function askByPost(
  { server, scopes, credential, wantsIdentity }: TokenRequest,
  ask: AskServer,
  call: Call,
): Promise<Answer> {
  const form = new URLSearchParams({ client_id: clientId });
  if (server.service !== undefined) form.set("service", server.service);
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  if (credential !== undefined && isIdentityToken(credential)) {
    form.set("grant_type", "refresh_token");
    form.set("refresh_token", credential.secret);
  } else if (credential !== undefined) {
    form.set("grant_type", "password");
    form.set("username", credential.username);
    form.set("password", credential.secret);
  }
  if (wantsIdentity) form.set("access_type", "offline");
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const body = new TextEncoder().encode(form.toString());
  return await ask({ method: "POST", url: server.realm, headers, body, isSecret: true }, call);
}

async function readToken(answer: Answer, doing: Doing, kit: Kit): Promise<Token> {
  const now = performance.now();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(await answer.collect(maxTokenBytes)));
  } catch {
    throw broken("has a token server that answers with something else than a token", doing, kit);
  }
  const fields: Readonly<Record<string, unknown>> = typeof value === "object" && value !== null ? { ...value } : {};
  const { token, access_token: accessToken, expires_in: expiresIn, refresh_token: identity } = fields;
  const text = [token, accessToken].find((each) => typeof each === "string" && each !== "");
  // A header cannot hold what is not printable.
  if (typeof text !== "string" || !/^[\x21-\x7e]+$/.test(text)) {
    throw broken("has a token server that gives no token", doing, kit);
  }
  const seconds = typeof expiresIn === "number" && expiresIn > 0 ? expiresIn : defaultSeconds;
  return {
    text,
    renewAt: now + 1000 * Math.max(seconds - Math.min(seconds / 10, 30), 1),
    identity: typeof identity === "string" && identity !== "" ? identity : undefined,
  };
}

async function refusedToken(answer: Answer, { doing, credential, scopes }: TokenRequest, kit: Kit): Promise<Error> {
  const { status } = answer;
  if (status !== 400 && status !== 401 && status !== 403) return await refusal(answer, doing, kit);
  const { codes, text } = await readRegistryError(answer);
  const says = text === "" ? "" : ` (${text})`;
  const state = credential === undefined
    ? `"${doing.host}" does not allow it without a login`
    : `"${doing.host}" does not take the login`;
  return unauthorized(
    `Cannot ${doing.doing}: ${state}${says}`,
    { host: doing.host, status, codes, scope: scopes.join(" ") },
    kit,
  );
}
