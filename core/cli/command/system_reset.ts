import { resetStore } from "../../image/reset.ts";
import type { Command, Context, Input } from "../command.ts";
import { confirm } from "../confirm.ts";
import { humanSize } from "../human.ts";

/** `strata system reset`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description: "Removes all images and the whole build cache, but what a build uses at this moment. Asks first.",
  flags: [
    { name: "force", short: "f", type: "boolean", help: "Do not ask" },
    { name: "dry-run", type: "boolean", help: "Only show what would be removed" },
  ],
  needsOwners: true,
  words: { min: 0, max: 0 },
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const dryRun = input.isOn("dry-run");
    if (
      !input.isOn("force") && !dryRun && !await confirm("This will remove all images and all build cache.", terminal)
    ) {
      return 0;
    }
    const result = await resetStore(await context.openEngine(), { dryRun }, context.call);
    const verb = dryRun ? "Would remove" : "Removed";
    const { images, cacheRecords, cacheMounts } = result;
    const records = cacheMounts === 0
      ? ` and ${cacheRecords} cache records`
      : `, ${cacheRecords} cache records and ${cacheMounts} cache mounts`;
    terminal.out(`${verb} ${images} images${records}\n`);
    terminal.out(`Total ${dryRun ? "reclaimable" : "reclaimed"} space: ${humanSize(result.reclaimed)}\n`);
    return 0;
  },
};
