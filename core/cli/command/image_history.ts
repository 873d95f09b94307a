import { type HistoryRow, imageHistory } from "../../image/history.ts";
import type { Command, Context, Input } from "../command.ts";
import { printable } from "../color.ts";
import { formatFlag } from "../common_flags.ts";
import { platformFlag, readPlatform } from "../platform_flag.ts";
import { readRegistryFlagsOf, registryFlags } from "../registry_flags.ts";
import { formatRows, type Row } from "../format.ts";
import { humanAge, humanSize, shortId } from "../human.ts";

/** Longest instruction text in the table. */
const createdByColumns = 45;

/** `strata image history`. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE",
  description:
    "Shows the steps that made an image, newest first, each with its time and the size of its layer. What is no image of the store may be an address as of strata copy.",
  flags: [
    {
      name: "human",
      short: "H",
      type: "boolean",
      help: "Sizes and dates for people (default; --human=false for exact ones)",
    },
    { name: "quiet", short: "q", type: "boolean", help: "Show only image IDs" },
    { name: "no-trunc", type: "boolean", help: "Show everything whole" },
    formatFlag,
    platformFlag,
    ...registryFlags,
  ],
  words: { min: 1, max: 1 },
  complete: "image",
  async run(input: Input, context: Context): Promise<number> {
    const engine = await context.openEngine(await readRegistryFlagsOf(input));
    const [image = ""] = input.words;
    const { rows } = await imageHistory(engine, { image, ...readPlatform(input) }, context.call);
    const options = { now: new Date(), isWhole: input.isOn("no-trunc"), isHuman: !input.isOff("human") };
    if (input.isOn("quiet") && input.text("format") === undefined) {
      context.terminal.out(rows.map((row) => idOf(row, options.isWhole) + "\n").join(""));
      return 0;
    }
    const headers = {
      ID: "IMAGE",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      Size: "SIZE",
      Comment: "COMMENT",
    };
    const columns = ["ID", options.isHuman ? "CreatedSince" : "CreatedAt", "CreatedBy", "Size", "Comment"];
    context.terminal.out(
      await formatRows({ columns, headers }, rows.map((row) => rowOf(row, options)), input.text("format")),
    );
    return 0;
  },
};

function rowOf(row: HistoryRow, options: { now: Date; isWhole: boolean; isHuman: boolean }): Row {
  return {
    Comment: printable(row.comment),
    CreatedAt: row.created?.toISOString().replace(/\.\d+Z$/, "Z") ?? "N/A",
    CreatedBy: createdByOf(row, options.isWhole),
    CreatedSince: humanAge(row.created, options.now),
    ID: idOf(row, options.isWhole),
    Size: options.isHuman ? humanSize(row.size) : String(row.size),
  };
}

function idOf(row: HistoryRow, isWhole: boolean): string {
  if (row.id === undefined) return "<missing>";
  return isWhole ? row.id : shortId(row.id);
}

function createdByOf(row: HistoryRow, isWhole: boolean): string {
  const text = printable(row.createdBy.replaceAll("\t", " "));
  if (isWhole) return text;
  const line = text.replaceAll("\n", " ");
  return line.length <= createdByColumns ? line : line.slice(0, createdByColumns - 1) + "…";
}
