import type { Call } from "../contract/call.ts";
import type { Credential } from "../contract/credential.ts";
import type { Engine } from "../engine.ts";
import { registryHook } from "./registry.ts";

/**
 * What logging in needs of an engine.
 *
 * @example Log out with an engine
 * ```ts
 * import { createCall, type LoginEngine, logoutRegistry } from "@strata/strata";
 *
 * const leave = (engine: LoginEngine): ReturnType<typeof logoutRegistry> =>
 *   logoutRegistry(engine, { host: "registry.example.com" }, createCall());
 * ```
 */
export type LoginEngine = Pick<Engine, "host" | "logins">;

/**
 * What `login` is told.
 *
 * @example With a password
 * ```ts
 * import type { LoginInput } from "@strata/strata";
 *
 * const input: LoginInput = {
 *   host: "registry.example.com",
 *   credential: { username: "ci", secret: "token" },
 * };
 * console.log(input);
 * ```
 */
export interface LoginInput {
  /** Host of the registry, as {@linkcode readLoginHost} gives it. */
  readonly host: string;
  /** Name and password; the login that is there already when left out. */
  readonly credential?: Credential;
}

/**
 * What `login` did.
 *
 * @example Whether the secret is in a file
 * ```ts
 * import type { LoginResult } from "@strata/strata";
 *
 * const isInFile = ({ storedIn }: LoginResult): boolean => "file" in storedIn;
 * console.log(isInFile({ storedIn: { helper: "pass" } }));
 * ```
 */
export interface LoginResult {
  /** Where the login is kept: a file in which anyone who may read it finds the password, or a helper. */
  readonly storedIn: { readonly file: string } | { readonly helper: string };
}

/** The host in what a user calls a registry: without scheme and path; Docker Hub when left out. */
export function readLoginHost(text: string | undefined): string {
  if (text === undefined || text === "") return "docker.io";
  const host = text.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

/**
 * Checks a login with its registry and keeps it. Undefined when none is given and none is there. Rejects `UNAUTHORIZED` when the registry
 * does not take it, and as the transport and `logins.store` do.
 *
 * @example Log in with a token of the environment
 * ```ts
 * import { createCall, type Engine, loginRegistry } from "@strata/strata";
 *
 * // Logs in for later pushes.
 * async function login(engine: Engine, secret: string): Promise<void> {
 *   const credential = { username: "ci", secret };
 *   await loginRegistry(engine, { host: "registry.example.com", credential }, createCall());
 * }
 * ```
 */
export async function loginRegistry(
  engine: LoginEngine,
  input: LoginInput,
  call: Call,
): Promise<LoginResult | undefined> {
  const { host } = input;
  const credential = input.credential ?? await engine.logins.find(host, call);
  if (credential === undefined) return undefined;
  const kept = await (await registryHook(engine)).login(host, credential, call);
  return { storedIn: await engine.logins.store(host, kept, call) };
}

/**
 * Checks a login with its registry and keeps nothing; gives what may be kept, which is a token where the registry gives one in place of
 * the password. Rejects `UNAUTHORIZED` when the registry does not take it, and as the transport does.
 */
export async function checkLogin(
  engine: Pick<Engine, "host">,
  { host, credential }: { readonly host: string; readonly credential: Credential },
  call: Call,
): Promise<Credential> {
  return await (await registryHook(engine)).login(host, credential, call);
}

/**
 * Forgets the login of a registry; false when there is none.
 *
 * @example Forget a login
 * ```ts
 * import { createCall, type Engine, logoutRegistry } from "@strata/strata";
 *
 * // Whether there was a login, which is gone now.
 * async function logout(engine: Engine): Promise<boolean> {
 *   return await logoutRegistry(engine, { host: "registry.example.com" }, createCall());
 * }
 * ```
 */
export async function logoutRegistry(
  engine: Pick<Engine, "logins">,
  { host }: { readonly host: string },
  call: Call,
): Promise<boolean> {
  return await engine.logins.erase(host, call);
}
