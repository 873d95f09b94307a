import { diffImages, type DiffRow } from "../../image/diff.ts";
import { printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { formatFlag } from "../common_flags.ts";
import { platformFlag, readPlatform } from "../platform_flag.ts";
import { formatRows } from "../format.ts";
import { humanSize } from "../human.ts";

const letters = { added: "A", modified: "C", removed: "D" } as const;

/** `strata image diff`. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE IMAGE",
  description: "Shows the files that differ between two images: A added, C changed, D deleted. Nothing is unpacked.",
  flags: [formatFlag, platformFlag],
  words: { min: 2, max: 2 },
  complete: "image",
  async run(input: Input, context: Context): Promise<number> {
    const [from = "", to = ""] = input.words;
    const result = await diffImages(await context.openEngine(), { from, to, ...readPlatform(input) }, context.call);
    const format = input.text("format");
    if (format !== undefined) {
      const headers = { Change: "CHANGE", Path: "PATH", Delta: "DELTA" };
      const rows = result.rows.map((row) => ({ Change: row.change, Path: row.path, Delta: row.delta }));
      context.terminal.out(await formatRows({ columns: ["Change", "Path", "Delta"], headers }, rows, format));
      return 0;
    }
    const { added, modified, removed, delta } = result.summary;
    context.terminal.out(result.rows.map(lineOf).join(""));
    context.terminal.err(`${added} added, ${modified} changed, ${removed} deleted, ${signed(delta)}\n`);
    return 0;
  },
};

function lineOf(row: DiffRow): string {
  const delta = row.delta === 0 ? "" : `  (${signed(row.delta)})`;
  return `${letters[row.change]} ${printableLine(row.path)}${delta}\n`;
}

function signed(bytes: number): string {
  return bytes < 0 ? `-${humanSize(-bytes)}` : `+${humanSize(bytes)}`;
}
