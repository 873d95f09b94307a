import type { Certificate } from "./certificate.ts";

/** Who gets tokens, and signed by whom. */
export interface TokenServerOptions {
  /** Signs the tokens; the registry is given its certificate. */
  readonly certificate: Certificate;
  /** Name of the registry. */
  readonly service: string;
  /** Passwords by user; who has none may pull from `public/…`. */
  readonly users: Readonly<Record<string, string>>;
}

/** Hands out tokens for a registry (distribution, "Token Authentication Specification" and "Implementation"). */
export interface TokenServer extends AsyncDisposable {
  /** Address to ask, the realm of challenges. */
  readonly realm: string;
  /** Requests so far. */
  readonly requests: readonly string[];
}

/** Starts a token server on a free port of this host. */
export function startTokenServer(options: TokenServerOptions): TokenServer {
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { search, searchParams } = new URL(request.url);
    requests.push(`${request.method} ${decodeURIComponent(search)}`);
    const authorization = request.headers.get("authorization");
    const pair = new TextDecoder().decode(Uint8Array.fromBase64(authorization?.replace(/^Basic /, "") ?? ""));
    const [user = "", ...password] = pair.split(":");
    const isKnown = Object.hasOwn(options.users, user) && options.users[user] === password.join(":");
    if (authorization !== null && !isKnown) return Response.json({ details: "wrong" }, { status: 401 });
    const access = searchParams.getAll("scope").flatMap((scope) => {
      const [, type, name, actions = ""] = /^([^:]+):(.+):([^:]+)$/.exec(scope) ?? [];
      const wanted = actions.split(",").filter((action) =>
        isKnown || (action === "pull" && name?.startsWith("public/"))
      );
      return wanted.length === 0 ? [] : [{ type, name, actions: wanted }];
    });
    return Response.json({ token: await sign({ user, access }, options), expires_in: 300 });
  });
  return {
    realm: `http://127.0.0.1:${server.addr.port}/token`,
    requests,
    [Symbol.asyncDispose]: async () => await server.shutdown(),
  };
}

/** Issuer that the registry has to be told. */
export const tokenIssuer = "strata-test";

async function sign(
  { user, access }: { readonly user: string; readonly access: readonly unknown[] },
  { certificate, service }: TokenServerOptions,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: "JWT", alg: "RS256", kid: await keyId(certificate) };
  const claims = {
    iss: tokenIssuer,
    sub: user,
    aud: service,
    exp: now + 300,
    nbf: now - 10,
    iat: now,
    jti: crypto.randomUUID(),
    access,
  };
  const text = [header, claims].map((part) => base64Url(new TextEncoder().encode(JSON.stringify(part)))).join(".");
  const bytes = new TextEncoder().encode(text);
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", certificate.keys.privateKey, bytes);
  return `${text}.${base64Url(new Uint8Array(signature))}`;
}

/** Name of a public key in the form of libtrust: 240 bits of its hash in base32, in groups of four. */
async function keyId({ keys }: Certificate): Promise<string> {
  const key = await crypto.subtle.exportKey("spki", keys.publicKey);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", key)).slice(0, 30);
  const bits = [...hash].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = bits.replace(/.{5}/g, (five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[parseInt(five, 2)] ?? "");
  return letters.match(/.{4}/g)?.join(":") ?? "";
}

function base64Url(bytes: Uint8Array<ArrayBuffer>): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
