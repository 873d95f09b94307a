import { listPlugins, type PluginRow } from "../../image/plugin_list.ts";
import { printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { formatFlag } from "../common_flags.ts";
import { formatRows, type ListView, type Row } from "../format.ts";
import { permissionText } from "../permission_text.ts";

const view: ListView = {
  columns: ["Name", "Hooks", "Source", "Permissions", "Trusted", "SHA256"],
  headers: {
    Name: "NAME",
    Hooks: "HOOKS",
    Source: "SOURCE",
    Permissions: "PERMISSIONS",
    Trusted: "TRUSTED",
    SHA256: "SHA256",
    Digest: "DIGEST",
  },
};

/** `strata plugins ls`. */
export const command: Command = {
  usage: "[OPTIONS]",
  description: "Lists the plugins, those that are part of strata first.",
  flags: [{ name: "quiet", short: "q", type: "boolean", help: "Show only names" }, formatFlag],
  words: { min: 0, max: 0 },
  examples: [["strata plugins ls --format '{{.Name}} {{.Permissions}}'", "what each may do"]],
  async run(input: Input, context: Context): Promise<number> {
    const rows = listPlugins(await context.openEngine());
    if (input.isOn("quiet") && input.text("format") === undefined) {
      context.terminal.out(rows.map(({ name }) => `${name}\n`).join(""));
      return 0;
    }
    context.terminal.out(await formatRows(view, rows.map(rowOf), input.text("format")));
    return 0;
  },
};

function rowOf({ name, provides, source, permissions, isTrusted, sha256 }: PluginRow): Row {
  const hooks = Object.entries(provides).filter(([, keys]) => keys.length > 0);
  return {
    Digest: sha256 === undefined ? "" : `sha256:${sha256}`,
    Hooks: printableLine(hooks.map(([kind, keys]) => `${kind}:${keys.join(",")}`).join(" ")),
    Name: name,
    Permissions: printableLine(isTrusted ? "all" : permissionText(permissions)),
    SHA256: sha256?.slice(0, 12) ?? "-",
    Source: printableLine(source ?? "built-in"),
    Trusted: isTrusted ? "yes" : "no",
  };
}
