import type { CacheMountUsage } from "../../image/cache_mount.ts";
import type { CacheUsage } from "../../image/disk_usage.ts";
import { listCache } from "../../image/cache_list.ts";
import { printable, printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { formatFlag } from "../common_flags.ts";
import { formatRows, type ListView, type Row } from "../format.ts";
import { humanAge, humanSize } from "../human.ts";

/** How a list of the build cache looks; `system df -v` shows the same. */
export const cacheView: ListView = {
  columns: ["ID", "Type", "CreatedSince", "LastUsedSince", "Size", "InUse", "Description"],
  headers: {
    ID: "CACHE ID",
    Type: "TYPE",
    CreatedSince: "CREATED",
    LastUsedSince: "LAST USED",
    Size: "SIZE",
    InUse: "IN USE",
    Description: "INSTRUCTION OR MOUNT",
    Digest: "DIGEST",
  },
};

/** `strata cache ls`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description:
    "Lists the build cache: layers, newest first, then the directories that RUN --mount=type=cache keeps, those used last first.",
  flags: [{ name: "quiet", short: "q", type: "boolean", help: "Show only cache IDs" }, formatFlag],
  words: { min: 0, max: 0 },
  async run(input: Input, context: Context): Promise<number> {
    const { rows, mounts } = await listCache(await context.openEngine(), context.call);
    if (input.isOn("quiet")) {
      const ids = [...rows.map(({ id }) => id), ...mounts.map(({ name }) => name)];
      context.terminal.out(ids.map((id) => id + "\n").join(""));
      return 0;
    }
    const now = new Date();
    const all = [...rows.map((row) => cacheRow(row, now)), ...mounts.map((mount) => mountRow(mount, now))];
    context.terminal.out(await formatRows(cacheView, all, input.text("format")));
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
    LastUsedSince: "N/A",
    Size: humanSize(row.size),
    Type: "layer",
  };
}

/** One cache mount as a row. */
export function mountRow(mount: CacheMountUsage, now: Date): Row {
  const [hex = "", copy] = mount.name.split("-");
  return {
    CreatedSince: humanAge(mount.created, now),
    Description: printableLine(mount.id),
    Digest: "",
    ID: copy === undefined ? hex.slice(0, 12) : `${hex.slice(0, 12)}-${copy}`,
    InUse: mount.inUse ? "yes" : "no",
    LastUsedSince: humanAge(mount.lastUsed, now),
    Size: humanSize(mount.size),
    Type: "mount",
  };
}
