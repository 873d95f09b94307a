import { EngineError } from "../../errors.ts";
import { exportCache } from "../../image/cache_export.ts";
import { printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";

/** `strata cache export`. */
export const command: Command = {
  usage: "[OPTIONS] [ID…]",
  description:
    "Writes cache mounts, the directories that RUN --mount=type=cache keeps, as a tar that strata cache import reads: all of them, or those with the given ids or names. Without --output it goes to standard output.",
  flags: [{ name: "output", short: "o", type: "string", value: "PATH", help: "File to write" }],
  needsOwners: true,
  words: { min: 0, max: Infinity },
  complete: "none",
  examples: [
    ["strata cache export -o cache.tar", "all cache mounts"],
    ["strata cache export /root/.npm | zstd > npm.tar.zst", "one of them, compressed"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const output = input.text("output") ?? "-";
    if (output === "-" && terminal.isStdoutTerminal) {
      throw new EngineError("INVALID_ARGUMENT", "Cannot export to a terminal", {
        detail: { field: "output", value: output },
        hint: "Add --output FILE or send standard output elsewhere",
      });
    }
    const { ids } = await exportCache(await context.openEngine(), { mounts: input.words, output }, context.call);
    if (output !== "-") terminal.out(ids.map((id) => `Exported cache mount: ${printableLine(id)}\n`).join(""));
    return 0;
  },
};
