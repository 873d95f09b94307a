import { type Config, readVariable, readVariables } from "./config.ts";
import type { LoadOptions, SandboxNeeds } from "./host/load_file.ts";
import { openSandbox, type SandboxPlace } from "./host/sandbox/open_sandbox.ts";
import { pluginArgument } from "./host/sandbox/own_process.ts";
import {
  denoProgram,
  findBubblewrap,
  ownProgram,
  type PluginProgram,
  startPluginProcess,
} from "./os/plugin_process.ts";
import type { PluginPermissions, SandboxKind } from "./host/plugin_entry.ts";

/** How plugin files are loaded on this machine. */
export function loadOptions(config: Pick<Config, "pluginSandbox" | "root">, hasWorkers: boolean): LoadOptions {
  const place = sandboxPlace(config, hasWorkers);
  const call = { signal: new AbortController().signal, emit: (): void => {} };
  return {
    openSandbox: (name, needs) => openSandbox(name, needs, place),
    async readPackage(name, sha256): Promise<Uint8Array<ArrayBuffer>> {
      const { readPackage } = await import("./engine_package.ts");
      return await readPackage(name, sha256, { folder: `${config.root}/plugins`, call });
    },
  };
}

/** What this machine has for plugins that are not trusted. */
export function sandboxPlace({ pluginSandbox }: Pick<Config, "pluginSandbox">, hasWorkers: boolean): SandboxPlace {
  const bubblewrap = findBubblewrap();
  const processes: readonly SandboxKind[] = bubblewrap === undefined ? ["process"] : ["bubblewrap", "process"];
  return {
    kind: pluginSandbox,
    kinds: [...(hasWorkers ? ["worker" as const] : []), ...processes],
    startProcess: (kind, main, needs) =>
      Promise.resolve(startPluginProcess({
        program: programFor(main, needs),
        grants: needs.permissions,
        environment: environmentOf(needs.permissions),
        cache: variablesOf(["DENO_DIR", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"]),
        ...(kind === "bubblewrap" && bubblewrap !== undefined ? { bubblewrap } : {}),
      })),
  };
}

function programFor(main: URL, needs: SandboxNeeds): PluginProgram {
  if (Deno.build.standalone) return ownProgram([pluginArgument(needs)]);
  return denoProgram(new URL(".", import.meta.url).pathname.replace(/\/$/, ""), main.pathname, needs.permissions);
}

function environmentOf({ env }: PluginPermissions): Readonly<Record<string, string>> {
  if (env === true) return readVariables();
  const names = env === undefined || env === false ? [] : env;
  return variablesOf(names);
}

function variablesOf(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = readVariable(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
