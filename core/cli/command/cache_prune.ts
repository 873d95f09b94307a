import { pruneCache } from "../../image/cache_prune.ts";
import type { Command, Context, Input } from "../command.ts";
import { filterFlag } from "../common_flags.ts";
import { confirm } from "../confirm.ts";
import { humanSize } from "../human.ts";

/** `strata cache prune`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description: "Removes records of the build cache that no image uses, with their layers. Images stay. Asks first.",
  flags: [
    { name: "all", short: "a", type: "boolean", help: "Remove records that images use, too" },
    { name: "force", short: "f", type: "boolean", help: "Do not ask" },
    { name: "dry-run", type: "boolean", help: "Only show what would be removed" },
    filterFlag("until"),
  ],
  words: { min: 0, max: 0 },
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const [all, dryRun] = [input.isOn("all"), input.isOn("dry-run")];
    const filters = input.list("filter");
    const engine = await context.openEngine();
    if (!input.isOn("force") && !dryRun) {
      // Says what is wrong with a filter before it asks.
      await pruneCache(engine, { all, dryRun: true, filters }, context.call);
      const what = all ? "all build cache" : "all build cache that no image uses";
      if (!await confirm(`This will remove ${what}.`, terminal)) return 0;
    }
    const result = await pruneCache(engine, { all, dryRun, filters }, context.call);
    terminal.out(result.removed.map((id) => id + "\n").join(""));
    terminal.out(`Total ${dryRun ? "reclaimable" : "reclaimed"} space: ${humanSize(result.reclaimed)}\n`);
    return 0;
  },
};
