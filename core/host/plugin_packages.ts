import { EngineError } from "../errors.ts";
import { checkImports, findPackages } from "./plugin_source.ts";
import type { PluginSource } from "./sandbox/serve.ts";

/** The module of a package. */
export interface PackageModule {
  /** The whole text. */
  readonly text: string;
  /** sha256 of the bytes, 64 hex digits. */
  readonly sha256: string;
}

/** What the packages of a plugin are read with. */
export interface PackageNeeds {
  /** Name of the plugin, for messages. */
  readonly name: string;
  /** sha256 that each module must have, by `name@version`; undefined takes any. */
  readonly pinned: Readonly<Record<string, string>> | undefined;
  /** Reads the module of a package, `npm:name@version`, whose sha256 may be known. */
  readonly read: (path: string, sha256: string | undefined) => Promise<PackageModule>;
}

/** What a plugin's text imports, read. */
export interface ReadImports extends Pick<PluginSource, "modules" | "links"> {
  /** sha256 of each package's module, by `name@version`. */
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * Reads the npm packages that a plugin's text imports. Each is one module, checked like the plugin itself, and imports no packages. Rejects
 * `PLUGIN_FAILED` for imports that are not allowed and packages that are not pinned, and as `read` does.
 */
export async function readImports(text: string, needs: PackageNeeds): Promise<ReadImports> {
  const { name: plugin, pinned, read } = needs;
  const found = findPackages({ plugin, text });
  const names = [...new Set(found.map(({ name }) => name))];
  const modules = await Promise.all(names.map(async (name) => {
    if (pinned !== undefined && !Object.hasOwn(pinned, name)) throw notPinned(plugin, name);
    const module = await read(`npm:${name}`, pinned?.[name]);
    checkImports({ plugin: `npm:${name}`, text: module.text });
    return module;
  }));
  return {
    modules: modules.map((module) => module.text),
    links: found.map(({ name, at, end }) => ({ at, end, module: names.indexOf(name) })),
    packages: Object.fromEntries(names.map((name, i) => [name, modules[i]?.sha256 ?? ""])),
  };
}

function notPinned(plugin: string, name: string): EngineError {
  return new EngineError(
    "PLUGIN_FAILED",
    `Cannot load plugin "${plugin}": it imports "npm:${name}", whose sha256 is not in the config`,
    {
      detail: { plugin, specifier: `npm:${name}` },
      hint: 'Add the plugin again with "strata plugins add", which pins what it imports',
    },
  );
}
