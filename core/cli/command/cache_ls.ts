import type { CacheUsage } from "../../image/disk_usage.ts";
import { listCache } from "../../image/cache_list.ts";
import { printable } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { formatFlag } from "../common_flags.ts";
import { formatRows, type ListView, type Row } from "../format.ts";
import { humanAge, humanSize } from "../human.ts";

/** How a list of cache records looks; `system df -v` shows the same. */
export const cacheView: ListView = {
  columns: ["ID", "CreatedSince", "Size", "InUse", "Description"],
  headers: {
    ID: "CACHE ID",
    CreatedSince: "CREATED",
    Size: "SIZE",
    InUse: "IN USE",
    Description: "INSTRUCTION",
    Digest: "DIGEST",
  },
};

/** `strata cache ls`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description: "Lists the records of the build cache, newest first.",
  flags: [{ name: "quiet", short: "q", type: "boolean", help: "Show only cache IDs" }, formatFlag],
  words: { min: 0, max: 0 },
  async run(input: Input, context: Context): Promise<number> {
    const { rows } = await listCache(await context.openEngine(), context.call);
    if (input.isOn("quiet")) context.terminal.out(rows.map((row) => row.id + "\n").join(""));
    else {
      const now = new Date();
      context.terminal.out(await formatRows(cacheView, rows.map((row) => cacheRow(row, now)), input.text("format")));
    }
    return 0;
  },
};

/** One cache record as a row. */
export function cacheRow(row: CacheUsage, now: Date): Row {
  return {
    CreatedSince: humanAge(row.created, now),
    Description: printable(row.description).replaceAll("\n", " ").slice(0, 60),
    Digest: row.digest,
    ID: row.id.slice(0, 12),
    InUse: row.inUse ? "yes" : "no",
    Size: humanSize(row.size),
  };
}
