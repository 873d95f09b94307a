import { imageTree, type TreeFile, type TreeLayerRow } from "../../image/tree.ts";
import { EngineError } from "../../errors.ts";
import { printable, printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { platformFlag, readPlatform } from "../platform_flag.ts";
import { humanSize, shortId } from "../human.ts";
import { formatTable } from "../table.ts";

/** `strata image tree`. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE",
  description:
    "Shows the files of each layer, base first, and how many bytes are hidden by layers above. Nothing is unpacked.",
  flags: [
    { name: "format", type: "string", value: "FORMAT", help: "json for everything as one object", choices: ["json"] },
    { name: "layers", type: "boolean", help: "Show only the layers, not their files" },
    platformFlag,
  ],
  words: { min: 1, max: 1 },
  complete: "image",
  async run(input: Input, context: Context): Promise<number> {
    const [image = ""] = input.words;
    const format = input.text("format")?.trim() ?? "";
    if (format !== "" && format !== "json") {
      throw new EngineError("INVALID_ARGUMENT", `Cannot use --format "${format}": expected json`, {
        detail: { field: "format", value: format },
      });
    }
    const result = await imageTree(await context.openEngine(), { image, ...readPlatform(input) }, context.call);
    const { terminal } = context;
    if (format === "json") {
      terminal.out(JSON.stringify(result) + "\n");
      return 0;
    }
    for (const [i, layer] of result.layers.entries()) {
      terminal.out(headOf(layer, i + 1));
      if (!input.isOn("layers")) terminal.out(formatTable(layer.files.map(cellsOf)));
    }
    const percent = (result.efficiency * 100).toFixed(1);
    terminal.out(
      `${result.layers.length} layer${result.layers.length === 1 ? "" : "s"}, ${humanSize(result.total)}, ${
        humanSize(result.wasted)
      } hidden (${percent}% efficient)\n`,
    );
    return 0;
  },
};

function headOf(layer: TreeLayerRow, number: number): string {
  const by = printable(layer.createdBy).replaceAll("\n", " ").slice(0, 100);
  return `Layer ${number}: ${shortId(layer.diffId)}  ${humanSize(layer.size)}  ${by}\n`;
}

function cellsOf(file: TreeFile): string[] {
  const target = file.target === undefined ? "" : ` -> ${file.target}`;
  const hidden = file.wasted > 0 ? `  (${humanSize(file.wasted)} hidden)` : "";
  return [
    `  ${modeText(file)}`,
    `${file.uid}:${file.gid}`,
    file.type === "file" ? humanSize(file.size) : "-",
    printableLine(file.path + target) + hidden,
  ];
}

function modeText(file: TreeFile): string {
  if (file.type === "whiteout") return "deleted";
  if (file.type === "opaque") return "replaced";
  const letter =
    { file: "-", directory: "d", symlink: "l", hardlink: "h", fifo: "p", char: "c", block: "b" }[file.type];
  const bits = [6, 3, 0].map((shift) => {
    const three = file.mode >> shift & 7;
    return (three & 4 ? "r" : "-") + (three & 2 ? "w" : "-") + (three & 1 ? "x" : "-");
  }).join("").split("");
  const special: readonly (readonly [number, number, string])[] = [[0o4000, 2, "s"], [0o2000, 5, "s"], [
    0o1000,
    8,
    "t",
  ]];
  for (const [bit, at, sign] of special) {
    if (file.mode & bit) bits[at] = bits[at] === "x" ? sign : sign.toUpperCase();
  }
  return letter + bits.join("");
}
