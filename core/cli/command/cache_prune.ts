import { pruneCache } from "../../image/cache_prune.ts";
import type { Command, Context, Input } from "../command.ts";
import { filterFlag } from "../common_flags.ts";
import { confirm } from "../confirm.ts";
import { humanSize } from "../human.ts";

/** `strata cache prune`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description:
    "Removes records of the build cache that no image uses, with their layers, and the directories that RUN --mount=type=cache keeps. Images stay, as does what a build uses at this moment. Asks first.",
  flags: [
    { name: "all", short: "a", type: "boolean", help: "Remove records that images use, too" },
    { name: "force", short: "f", type: "boolean", help: "Do not ask" },
    { name: "dry-run", type: "boolean", help: "Only show what would be removed" },
    filterFlag("until, type=layer, type=mount"),
  ],
  needsOwners: true,
  words: { min: 0, max: 0 },
  examples: [["strata cache prune -f --filter type=mount --filter until=240h", "cache mounts unused for ten days"]],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const [all, dryRun] = [input.isOn("all"), input.isOn("dry-run")];
    const filters = input.list("filter");
    const engine = await context.openEngine();
    if (!input.isOn("force") && !dryRun) {
      // Says what is wrong with a filter before it asks.
      const { mounts } = await pruneCache(engine, { all, dryRun: true, filters }, context.call);
      const what = all ? "all build cache" : "all build cache that no image uses";
      const mounted = mounts.length === 0 ? "" : `, with ${mounts.length} cache mount${mounts.length === 1 ? "" : "s"}`;
      if (!await confirm(`This will remove ${what}${mounted}.`, terminal)) return 0;
    }
    const result = await pruneCache(engine, { all, dryRun, filters }, context.call);
    const ids = [...result.removed, ...result.mounts.map(({ name }) => name)];
    terminal.out(ids.map((id) => id + "\n").join(""));
    terminal.out(`Total ${dryRun ? "reclaimable" : "reclaimed"} space: ${humanSize(result.reclaimed)}\n`);
    return 0;
  },
};
