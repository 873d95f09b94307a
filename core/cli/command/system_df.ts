import { diskUsage, type DiskUsageRow, type ImageUsage } from "../../image/disk_usage.ts";
import { EngineError } from "../../errors.ts";
import type { Command, Context, Input } from "../command.ts";
import { formatFlag } from "../common_flags.ts";
import { formatRows, type ListView, type Row } from "../format.ts";
import { humanAge, humanSize, shortId } from "../human.ts";
import { cacheRow, cacheView, mountRow } from "./cache_ls.ts";

const view: ListView = {
  columns: ["Type", "TotalCount", "Active", "Size", "Reclaimable"],
  headers: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
};

const imageView: ListView = {
  columns: ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize"],
  headers: {
    Repository: "REPOSITORY",
    Tag: "TAG",
    ID: "IMAGE ID",
    CreatedSince: "CREATED",
    Size: "SIZE",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
  },
};

/** `strata system df`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description:
    "Shows what images, the build cache, cache mounts and unpacked layers take on disk, and what removing the unused part frees.",
  flags: [
    { name: "verbose", short: "v", type: "boolean", help: "Show every image, cache record and cache mount" },
    formatFlag,
  ],
  needsOwners: true,
  words: { min: 0, max: 0 },
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const verbose = input.isOn("verbose");
    const result = await diskUsage(await context.openEngine(), { verbose }, context.call);
    if (!verbose) {
      terminal.out(await formatRows(view, result.rows.map(rowOf), input.text("format")));
      return 0;
    }
    const format = input.text("format")?.trim() ?? "";
    if (format !== "" && format !== "table" && format !== "json") {
      throw new EngineError(
        "INVALID_ARGUMENT",
        `Cannot use --format "${format}" with --verbose: expected table or json`,
        {
          detail: { field: "format", value: format },
          hint: "Leave out --verbose, or take a template of strata image ls or strata cache ls",
        },
      );
    }
    const now = new Date();
    const images = (result.images ?? []).map((image) => imageRow(image, now));
    const cache = (result.cache ?? []).map((record) => cacheRow(record, now));
    const mounts = (result.mounts ?? []).map((mount) => mountRow(mount, now));
    if (format === "json") {
      terminal.out(JSON.stringify({ Images: images, BuildCache: cache, CacheMounts: mounts }) + "\n");
      return 0;
    }
    terminal.out(`Images space usage:\n\n${await formatRows(imageView, images, undefined)}`);
    terminal.out(`\nBuild cache usage:\n\n${await formatRows(cacheView, [...cache, ...mounts], undefined)}`);
    return 0;
  },
};

function rowOf(row: DiskUsageRow): Row {
  const percent = row.size === 0 ? 0 : Math.floor(row.reclaimable / row.size * 100);
  return {
    Active: String(row.active),
    Reclaimable: row.size === 0 ? "0B" : `${humanSize(row.reclaimable)} (${percent}%)`,
    Size: humanSize(row.size),
    TotalCount: String(row.total),
    Type: row.type,
  };
}

function imageRow(image: ImageUsage, now: Date): Row {
  return {
    Repository: image.repository ?? "<none>",
    Tag: image.tag ?? "<none>",
    ID: shortId(image.id),
    CreatedSince: humanAge(image.created, now),
    Size: humanSize(image.sharedSize + image.uniqueSize),
    SharedSize: humanSize(image.sharedSize),
    UniqueSize: humanSize(image.uniqueSize),
  };
}
