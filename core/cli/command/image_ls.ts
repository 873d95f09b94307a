import { type ImageRow, listImages } from "../../image/list.ts";
import { printable } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { filterFlag, formatFlag } from "../common_flags.ts";
import { formatRows, type ListView, type Row } from "../format.ts";
import { goTime, humanAge, humanSize, shortId } from "../human.ts";

/** How rows are shown. */
interface Show {
  readonly now: Date;
  /** Whether IDs are shown whole. */
  readonly isWhole: boolean;
}

const headers = {
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  ID: "IMAGE ID",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Platform: "PLATFORM",
  Alias: "ALIAS",
  Containers: "CONTAINERS",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
  VirtualSize: "VIRTUAL SIZE",
};

/** `strata image ls`. */
export const command: Command = {
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  description: "Lists images, newest first. Images without a tag are left out unless --all is given.",
  flags: [
    { name: "all", short: "a", type: "boolean", help: "Show images without a tag too" },
    { name: "quiet", short: "q", type: "boolean", help: "Show only image IDs" },
    { name: "no-trunc", type: "boolean", help: "Show whole IDs" },
    { name: "digests", type: "boolean", help: "Show digests" },
    { ...filterFlag("dangling, label, before, since, until, reference"), short: "f" },
    formatFlag,
  ],
  words: { min: 0, max: 1 },
  complete: "image",
  examples: [
    ["strata image ls -a", "every image, also those without a tag"],
    ["strata image ls --format '{{.ID}} {{.Alias}}'", "IDs with their two-word names"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const engine = await context.openEngine();
    const reference = input.words[0];
    const result = await listImages(engine, {
      all: input.isOn("all"),
      filters: input.list("filter"),
      ...(reference === undefined ? {} : { reference }),
    }, context.call);
    const isWhole = input.isOn("no-trunc");
    if (input.isOn("quiet") && input.text("format") === undefined) {
      context.terminal.out(result.rows.map((row) => (isWhole ? row.id : shortId(row.id)) + "\n").join(""));
      return 0;
    }
    const view = viewOf(input.isOn("digests"));
    const names = input.text("format") === undefined ? view.columns : Object.keys(fields);
    const show = { now: new Date(), isWhole };
    const rows = result.rows.map((row) => rowOf(row, names, show));
    context.terminal.out(await formatRows(view, rows, input.text("format")));
    if (result.hidden > 0 && input.text("format") === undefined) {
      const many = result.hidden === 1 ? "1 image without a tag is" : `${result.hidden} images without a tag are`;
      context.terminal.err(`${many} not shown, add --all to see them\n`);
    }
    return 0;
  },
};

function viewOf(hasDigests: boolean): ListView {
  const digest = hasDigests ? ["Digest"] : [];
  return { columns: ["Repository", "Tag", ...digest, "ID", "CreatedSince", "Size"], headers };
}

/** Text of each field, made only for those that are shown: most of a thousand rows is otherwise text that nobody sees. */
const fields: Readonly<Record<string, (row: ImageRow, show: Show) => string>> = {
  Alias: (row) => row.alias,
  Containers: () => "N/A",
  CreatedAt: (row) => goTime(row.created),
  CreatedSince: (row, { now }) => humanAge(row.created, now),
  Digest: (row) => row.digest,
  ID: (row, { isWhole }) => isWhole ? row.id : shortId(row.id),
  Platform: (row) => printable(row.platform),
  Repository: (row) => row.repository ?? "<none>",
  SharedSize: () => "N/A",
  Size: (row) => humanSize(row.size),
  Tag: (row) => row.tag ?? "<none>",
  UniqueSize: () => "N/A",
  VirtualSize: (row) => humanSize(row.size),
};

function rowOf(row: ImageRow, names: readonly string[], show: Show): Row {
  const shown: Record<string, string> = {};
  for (const name of names) shown[name] = fields[name]?.(row, show) ?? "";
  return shown;
}
