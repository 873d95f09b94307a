import { logoutRegistry, readLoginHost } from "../../image/login.ts";
import type { Command, Context, Input } from "../command.ts";

/** `strata logout`. */
export const command: Command = {
  usage: "[HOST]",
  description: "Forgets the login of a registry, Docker Hub's when none is named.",
  flags: [],
  words: { min: 0, max: 1 },
  complete: "none",
  async run(input: Input, context: Context): Promise<number> {
    const host = readLoginHost(input.words[0]);
    const isErased = await logoutRegistry(await context.openEngine(), { host }, context.call);
    context.terminal.out(isErased ? `Removing login credentials for ${host}\n` : `Not logged in to ${host}\n`);
    return 0;
  },
};
