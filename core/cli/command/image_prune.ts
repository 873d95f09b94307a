import { pruneImages } from "../../image/prune.ts";
import type { Command, Context, Input } from "../command.ts";
import { filterFlag } from "../common_flags.ts";
import { confirm } from "../confirm.ts";
import { humanSize } from "../human.ts";
import { actionLines } from "../report.ts";

/** `strata image prune`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description: "Removes images that have no name, with the layers that nothing else needs. Asks first.",
  flags: [
    { name: "all", short: "a", type: "boolean", help: "Remove every image, not only those without a name" },
    { name: "force", short: "f", type: "boolean", help: "Do not ask" },
    { name: "dry-run", type: "boolean", help: "Only show what would be removed" },
    filterFlag("until, label, label!"),
  ],
  needsOwners: true,
  words: { min: 0, max: 0 },
  examples: [["strata image prune -f --filter until=24h", "untagged images made more than a day ago"]],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const all = input.isOn("all");
    const dryRun = input.isOn("dry-run");
    const filters = input.list("filter");
    const engine = await context.openEngine();
    if (!input.isOn("force") && !dryRun) {
      // Says what is wrong with a filter before it asks, and whether names go, which a filter can bring about as well.
      const { actions } = await pruneImages(engine, { all, dryRun: true, filters }, context.call);
      const takesNames = all || actions.some(({ type }) => type === "untagged");
      const warning = `This will remove all ${takesNames ? "images, named ones too" : "dangling images"}.`;
      if (!await confirm(warning, terminal)) return 0;
    }
    const result = await pruneImages(engine, { all, dryRun, filters }, context.call);
    if (result.actions.length > 0) {
      terminal.out(`${dryRun ? "Images that would be deleted" : "Deleted Images"}:\n`);
      terminal.out(actionLines(result.actions, { untagged: "untagged", deleted: "deleted" }) + "\n");
    }
    terminal.out(`Total ${dryRun ? "reclaimable" : "reclaimed"} space: ${humanSize(result.reclaimed)}\n`);
    return 0;
  },
};
