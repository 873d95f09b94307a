import { EngineError } from "../../errors.ts";
import type { Command, Context, Input } from "../command.ts";
import { findCommand, groupNames } from "../find_command.ts";
import { commandText, overviewText } from "../help.ts";

/** `strata help`. */
export const command: Command = {
  usage: "[COMMAND]",
  description: "Shows the list of commands, or help for one.",
  flags: [],
  words: { min: 0, max: 2 },
  complete: "none",
  async run(input: Input, context: Context): Promise<number> {
    const words = input.words;
    const found = findCommand(context.commands, words);
    const [group] = words;
    if (found !== undefined) {
      context.terminal.out(commandText(found.entry, (await found.entry.load()).command));
    } else if (group === undefined || (words.length === 1 && groupNames(context.commands).includes(group))) {
      context.terminal.out(overviewText(context.commands, group));
    } else {
      throw new EngineError("INVALID_ARGUMENT", `Cannot show help for "${words.join(" ")}": no such command`, {
        detail: { field: "command", value: words.join(" ") },
        hint: 'Run "strata help" for the list of commands',
      });
    }
    return 0;
  },
};
