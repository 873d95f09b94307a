import type { Config } from "../config.ts";
import type { Call } from "../contract/call.ts";
import { EngineError } from "../errors.ts";
import { isPluginName, keysOf } from "../host/load.ts";
import type { PluginPermissions, Provides } from "../host/plugin_entry.ts";
import { checkScriptPermissions } from "../host/script_source.ts";
import { changePlugins, type WrittenPlugin } from "./plugin_config.ts";
import { readFile, readRequest, tryPlugin } from "./plugin_open.ts";

/** A plugin to be added. */
export interface AddPluginInput {
  /** Absolute path of its file, or `npm:package@version`. */
  readonly path: string;
  /** Name that it has to give itself; any when left out. */
  readonly name?: string;
  /** Its own section of the config. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it is given; a kind that is left out is given as it asks. */
  readonly permissions: PluginPermissions;
  /** Whether it is to run inside strata. */
  readonly isTrusted: boolean;
}

/** A plugin that was looked at, with all that goes into the config. */
export interface PreparedPlugin {
  /** Its name. */
  readonly name: string;
  /** Keys of its hooks; undefined for a trusted one that does not run in a sandbox. */
  readonly provides: Required<Provides> | undefined;
  /** What it asks for. */
  readonly asked: PluginPermissions;
  /** What it will be given. */
  readonly granted: PluginPermissions;
  /** sha256 of its file, 64 hex digits. */
  readonly sha256: string;
  /** sha256 of the modules of npm packages that it imports, by `name@version`. */
  readonly packages: Readonly<Record<string, string>>;
  /** What was to be added. */
  readonly input: AddPluginInput;
}

/**
 * Looks at a plugin in a sandbox that gives it nothing: what it is called, which hooks it has, what it asks for. Changes nothing. Rejects as
 * loading it does, and `CONFLICT` when the config has a plugin of its name from elsewhere.
 */
export async function preparePlugin(config: Config, input: AddPluginInput, call: Call): Promise<PreparedPlugin> {
  call.signal.throwIfAborted();
  const file = await readFile(input.path, config);
  const base = input.name ?? nameOf(input.path);
  const found = await look(config, input, { base, file });
  if (!isPluginName(found.name) || (input.name !== undefined && input.name !== found.name)) {
    throw new EngineError("PLUGIN_FAILED", `Cannot add plugin "${base}": it calls itself "${found.name}"`, {
      detail: { plugin: found.name },
      hint: `Add it with --name ${isPluginName(found.name) ? found.name : "NAME"}`,
    });
  }
  const other = config.plugins.find(({ name }) => name === found.name);
  if (other !== undefined && other.path !== input.path) {
    throw new EngineError(
      "CONFLICT",
      `Cannot add plugin "${found.name}": the config has one of that name at "${other.path}"`,
      {
        detail: { kind: "plugin", name: found.name },
        hint: `Remove it with: strata plugins rm ${found.name}`,
      },
    );
  }
  const granted = input.isTrusted ? {} : { ...found.asked, ...input.permissions };
  checkScriptPermissions(found.name, granted);
  return { ...found, granted, sha256: file.sha256, input };
}

type Found = Pick<PreparedPlugin, "name" | "provides" | "asked" | "packages">;

async function look(
  config: Config,
  { options, isTrusted }: AddPluginInput,
  { base, file }: { readonly base: string; readonly file: Awaited<ReturnType<typeof readFile>> },
): Promise<Found> {
  try {
    const { plugin, exported, packages, sandbox } = await tryPlugin({
      config,
      name: base,
      options,
      permissions: {},
      file,
    });
    await using _sandbox = sandbox;
    const name = String(plugin.name);
    return { name, provides: keysOf(name, plugin), asked: readRequest(exported.permissions, name), packages };
  } catch (error) {
    // What is to be trusted may need more than a sandbox has; it is then loaded to find out.
    if (!isTrusted) throw error;
    return { name: base, provides: undefined, asked: {}, packages: {} };
  }
}

/** Writes a prepared plugin into the config file, in place of one of the same name. Throws as {@linkcode changePlugins} does. */
export function pinPlugin(config: Config, prepared: PreparedPlugin): void {
  const { name, provides, granted, sha256, packages, input } = prepared;
  const hooks = Object.fromEntries(Object.entries(provides ?? {}).filter(([, keys]) => keys.length > 0));
  const written: WrittenPlugin = {
    name,
    path: input.path,
    sha256,
    ...(Object.keys(packages).length === 0 || input.isTrusted ? {} : { packages }),
    ...(provides === undefined ? {} : { hooks }),
    ...(Object.keys(input.options).length === 0 ? {} : { options: input.options }),
    ...(input.isTrusted ? { trusted: true } : { permissions: granted }),
  };
  changePlugins(config, (plugins) => {
    const at = plugins.findIndex((plugin) => plugin.name === name);
    return at < 0 ? [...plugins, written] : plugins.with(at, written);
  });
}

function nameOf(path: string): string {
  if (!path.startsWith("npm:")) return path.replace(/^.*[\\/]/, "").replace(/\.[a-z]+$/, "").replaceAll("_", "-");
  return path.slice("npm:".length, path.lastIndexOf("@")).replace(/^.*\//, "");
}
