import { pinPlugin, type PreparedPlugin, preparePlugin } from "../../image/plugin_add.ts";
import { readConfig } from "../../image/plugin_config.ts";
import { EngineError } from "../../errors.ts";
import { printableLine } from "../color.ts";
import type { Command, Context, Input } from "../command.ts";
import { permissionFlags, permissionText, readOptions, readPermissions } from "../permission_text.ts";

/** `strata plugins add`. */
export const command: Command = {
  usage: "[OPTIONS] FILE|npm:PACKAGE@VERSION",
  description:
    "Adds a plugin to the config: shows what it is and which permissions it asks for, asks, and pins the sha256 of its file. It is given what it asks for unless a flag says otherwise for that kind. A plugin that is added again is replaced.",
  flags: [
    ...permissionFlags,
    { name: "trusted", type: "boolean", help: "Run it inside strata, with all that strata may do" },
    { name: "name", type: "string", value: "NAME", help: "Name that the plugin has to give itself" },
    { name: "option", type: "list", value: "KEY=VALUE", help: "Member of the plugin's own section of the config" },
    { name: "force", short: "f", type: "boolean", help: "Do not ask" },
    { name: "yes", short: "y", type: "boolean", help: "Do not ask" },
  ],
  words: { min: 1, max: 1 },
  complete: "file",
  examples: [
    ["strata plugins add ./list.ts", "what it asks for is shown first"],
    ["strata plugins add --allow-net=s3.example.com npm:strata-s3@1.2.0", "this host, whatever it asks for"],
  ],
  async run(input: Input, context: Context): Promise<number> {
    const { terminal } = context;
    const [source = ""] = input.words;
    const name = input.text("name");
    const permissions = readPermissions(input, absolute);
    const isTrusted = input.isOn("trusted");
    if (isTrusted && Object.keys(permissions).length > 0) throw trustedWithPermissions();
    const config = readConfig();
    const prepared = await preparePlugin(config, {
      path: source.startsWith("npm:") ? exactPackage(source) : absolute(source),
      ...(name === undefined ? {} : { name }),
      options: readOptions(input.list("option")),
      permissions,
      isTrusted,
    }, context.call);
    terminal.err(describe(prepared));
    if (!input.isOn("force") && !input.isOn("yes") && !await agrees(context)) return 1;
    pinPlugin(config, prepared);
    terminal.out(`${prepared.name}\n`);
    return 0;
  },
};

function describe({ name, provides, asked, granted, sha256, packages, input }: PreparedPlugin): string {
  const hooks = Object.entries(provides ?? {}).filter(([, keys]) => keys.length > 0);
  const lines = [
    `Plugin:   ${name}`,
    `Source:   ${input.path}`,
    `SHA256:   ${sha256}`,
    ...Object.entries(packages).map(([each, hash]) => `Imports:  npm:${each} (sha256 ${hash})`),
    `Hooks:    ${
      provides === undefined ? "unknown" : hooks.map(([kind, keys]) => `${kind}:${keys.join(",")}`).join(" ")
    }`,
    `Asks for: ${permissionText(asked)}`,
    `Is given: ${input.isTrusted ? "everything that strata may do" : permissionText(granted)}`,
  ];
  return lines.map((line) => `${printableLine(line)}\n`).join("");
}

async function agrees({ terminal }: Context): Promise<boolean> {
  if (!terminal.isStdinTerminal) {
    throw new EngineError("INVALID_ARGUMENT", "Cannot ask for confirmation: standard input is no terminal", {
      detail: { field: "force", value: false },
      hint: "Add --force to go on without a question",
    });
  }
  const answer = await terminal.ask("Add this plugin? [y/N] ");
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}

function absolute(path: string): string {
  if (/^(?:\/|[A-Za-z]:[\\/])/.test(path)) return path;
  return `${Deno.cwd()}/${path.replace(/^(?:\.\/)+/, "")}`;
}

function exactPackage(source: string): string {
  if (/^npm:(?:@[^/@]+\/)?[^/@]+@[0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?$/.test(source)) return source;
  throw new EngineError(
    "INVALID_ARGUMENT",
    `Cannot add plugin "${source}": expected npm:PACKAGE@VERSION with an exact version`,
    {
      detail: { field: "plugin", value: source },
    },
  );
}

function trustedWithPermissions(): EngineError {
  return new EngineError("INVALID_ARGUMENT", "Cannot use --trusted with permissions: they cannot be enforced", {
    detail: { field: "trusted", value: true },
    hint: "Leave out --trusted, or the permissions",
  });
}
