import type { Config } from "../config.ts";
import type { PluginHost } from "../contract/plugin.ts";
import { loadOptions } from "../engine_sandbox.ts";
import { EngineError } from "../errors.ts";
import { type LoadedFile, type OpenPlugin, openPlugin, readPluginFile } from "../host/load_file.ts";
import { refuseScript } from "../host/refuse_script.ts";
import type { PermissionKind, PluginPermissions } from "../host/plugin_entry.ts";
import { createKit } from "../kit.ts";

/** What a plugin file is tried with. */
export interface TryOptions {
  /** The config, for where packages are kept and which sandbox is wanted. */
  readonly config: Config;
  /** Name for messages. */
  readonly name: string;
  /** The plugin's own section. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it may do. */
  readonly permissions: PluginPermissions;
  /** sha256 of the modules of npm packages that it may import; any when left out. */
  readonly packages?: Readonly<Record<string, string>> | undefined;
  /** The file. */
  readonly file: LoadedFile;
}

/** Reads a plugin file, or that of `npm:package@version`. Rejects as `readPluginFile` does. */
export async function readFile(path: string, config: Config, sha256?: string): Promise<LoadedFile> {
  return await readPluginFile(path, { name: path, sha256, ...loadOptions(config, Deno.build.standalone) });
}

/** Starts a plugin file in a sandbox of its own, outside of any engine and with no logins. Whoever gets it ends the sandbox. */
export async function tryPlugin(options: TryOptions): Promise<OpenPlugin> {
  const { config, name, permissions, packages, file } = options;
  const host: PluginHost = {
    config: options.options,
    kit: createKit(),
    proxy: { none: [] },
    credential: () => Promise.resolve(undefined),
    runScript: refuseScript,
  };
  return await openPlugin({ name, permissions, packages }, file, {
    ...loadOptions(config, Deno.build.standalone),
    host,
  });
}

const kinds: readonly PermissionKind[] = ["env", "net", "read", "sys", "write"];

/** The permissions that a module asks for, checked. Throws `PLUGIN_FAILED` for what is none. */
export function readRequest(asked: unknown, plugin: string): PluginPermissions {
  if (asked === undefined) return {};
  const entries = typeof asked === "object" && asked !== null ? Object.entries(asked) : [["permissions", asked]];
  return Object.fromEntries(entries.map(([kind, what]) => {
    const isList = Array.isArray(what) && what.every((each) => typeof each === "string" && each !== "");
    if (kinds.some((known) => known === kind) && (what === true || isList)) return [kind, what];
    if (kind === "scripts" && what === true) return [kind, what];
    throw new EngineError(
      "PLUGIN_FAILED",
      `Cannot load plugin "${plugin}": it asks for the permission "${kind}" in a form that is none`,
      {
        detail: { plugin },
        hint: `Export permissions with the members ${kinds.join(", ")}, each a list of texts or true, or scripts`,
      },
    );
  }));
}
