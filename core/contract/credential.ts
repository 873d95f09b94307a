/** What core knows about logging in to one registry. */
export interface Credential {
  /** User name; empty with an identity token, which is exchanged for access tokens. */
  readonly username: string;
  /** Password or token. Never logged, never in an error. */
  readonly secret: string;
}
