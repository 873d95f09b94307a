import { readVersion } from "../../image/version.ts";
import type { Command, Context, Input } from "../command.ts";

/** `strata version`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description:
    "Shows the versions of strata, of the plugin contract and of Deno, and the commit that strata was made from.",
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
    const { version, commit, pluginApi, deno, os, architecture } = readVersion();
    const data = { Version: version, Commit: commit, PluginApi: pluginApi, Deno: deno, Os: os, Arch: architecture };
    const format = input.text("format")?.trim() ?? "";
    if (format === "json") context.terminal.out(JSON.stringify(data) + "\n");
    else if (format !== "") {
      const { compileTemplate } = await import("../template/execute.ts");
      context.terminal.out(compileTemplate(format).execute(data) + "\n");
    } else {context.terminal.out(
        `strata ${version} (${os}/${architecture}, plugin contract ${pluginApi}, Deno ${deno}, commit ${commit})\n`,
      );}
    return 0;
  },
};
