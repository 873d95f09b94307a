import type { Json } from "../../oci/canonical_json.ts";
import { storeInfo } from "../../image/info.ts";
import type { Command, Context, Input } from "../command.ts";
import { humanSize } from "../human.ts";

/** `strata info`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description: "Shows the store, the plugins and what this machine offers.",
  flags: [{
    name: "format",
    short: "f",
    type: "string",
    value: "FORMAT",
    help: "json, or a Go template",
    choices: ["json"],
  }],
  words: { min: 0, max: 0 },
  async run(input: Input, context: Context): Promise<number> {
    const info = await storeInfo(await context.openEngine(), context.call);
    const data = {
      Version: info.version.version,
      Root: info.root,
      Driver: info.driver,
      Images: info.images.total,
      Dangling: info.images.dangling,
      CacheRecords: info.cacheRecords,
      Blobs: info.blobs.total,
      BlobsSize: info.blobs.size,
      Plugins: info.plugins,
      Host: info.host,
    };
    const format = input.text("format")?.trim() ?? "";
    if (format === "json") context.terminal.out(JSON.stringify(data) + "\n");
    else if (format !== "") {
      const { compileTemplate } = await import("../template/execute.ts");
      context.terminal.out(compileTemplate(format).execute(data) + "\n");
    } else {
      const lines: (readonly [string, string])[] = [
        ["Version", info.version.version],
        ["Store", `${info.root} (${info.driver})`],
        ["Images", `${info.images.total}, ${info.images.dangling} without a name`],
        ["Build cache", `${info.cacheRecords} records`],
        ["Blobs", `${info.blobs.total}, ${humanSize(info.blobs.size)}`],
        ["Plugins", info.plugins.join(", ")],
        ...Object.entries(info.host).map(([key, value]) => [key, show(value)] as const),
      ];
      context.terminal.out(lines.map(([key, value]) => `${key}: ${value}\n`).join(""));
    }
    return 0;
  },
};

function show(value: Json): string {
  if (value === null) return "no";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
