/**
 * What core knows about logging in to one registry.
 *
 * @example A login with a token
 * ```ts
 * import type { Credential } from "@strata/strata/contract";
 *
 * const login: Credential = { username: "ci", secret: "token" };
 * console.log(login.username);
 * ```
 */
export interface Credential {
  /** User name; empty with an identity token, which is exchanged for access tokens. */
  readonly username: string;
  /** Password or token. Never logged, never in an error. */
  readonly secret: string;
}
