import type { Call } from "../contract/call.ts";
import type { Credential } from "../contract/credential.ts";
import type { Engine } from "../engine.ts";

/** Gives the login that somebody brings for a registry host, or for `host/repository`; undefined where they bring none. */
export type BroughtLogins = (place: string) => Credential | undefined;

/**
 * The engine for work that is done for somebody who brings logins: theirs count first, then those of this machine. Both are looked up
 * anew, whatever the engine has learned before. Disposing it leaves the engine open.
 */
export async function withLogins(engine: Engine, brought: BroughtLogins): Promise<Engine> {
  const find = async (place: string, call: Call): Promise<Credential | undefined> =>
    brought(place) ?? await engine.logins.find(place, call);
  const host = await engine.host.withLogins(find);
  return {
    ...engine,
    host,
    logins: { ...engine.logins, find },
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
