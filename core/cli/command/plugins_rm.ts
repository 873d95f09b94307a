import { readConfig } from "../../image/plugin_config.ts";
import { removePlugins } from "../../image/plugin_remove.ts";
import type { Command, Context, Input } from "../command.ts";

/** `strata plugins rm`. */
export const command: Command = {
  usage: "NAME [NAME…]",
  description: "Takes plugins out of the config. Their files stay.",
  flags: [],
  words: { min: 1, max: Infinity },
  complete: "none",
  run(input: Input, context: Context): Promise<number> {
    removePlugins(readConfig(), input.words);
    context.terminal.out(input.words.map((name) => `${name}\n`).join(""));
    return Promise.resolve(0);
  },
};
