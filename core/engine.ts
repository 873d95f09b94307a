import { type Config, loadConfig } from "./config.ts";
import type { Call } from "./contract/call.ts";
import type { Credential } from "./contract/plugin.ts";
import type { Store } from "./contract/store.ts";
import type { PluginEntry } from "./host/plugin_entry.ts";
import { createHost, type Host } from "./host/registry.ts";
import { verifiedStore } from "./store/verified.ts";

export type { PluginEntry, Provides } from "./host/plugin_entry.ts";

/** An opened strata: config, plugins and store. Disposing it closes the store, once. */
export interface Engine extends AsyncDisposable {
  /** What is set. */
  readonly config: Config;
  /** The plugins, guarded. */
  readonly host: Host;
  /** The store; every stream it gives is verified. */
  readonly store: Store;
  /** Gives the time of now. */
  readonly clock: () => Date;
}

/** What an engine is made of. */
export interface EngineOptions {
  /** Plugins; the built-in ones are in plugins/mod.ts. Those of the config are added. */
  readonly plugins: readonly PluginEntry[];
  /** Overrides of environment and config file. */
  readonly config?: Partial<Config>;
  /** Gives the time of now; the system's when left out. */
  readonly clock?: () => Date;
  /** Login for a registry host; none when left out. */
  readonly credential?: (host: string, call: Call) => Promise<Credential | undefined>;
  /** Aborting it makes opening reject with `CANCELED`. */
  readonly signal?: AbortSignal;
}

/**
 * Opens an engine: reads the config, plugs the plugins in, opens the store. Rejects as {@linkcode loadConfig},
 * {@linkcode createHost} and the store's driver do.
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const config = loadConfig(options.config);
  const host = await createHost(await entriesOf(options.plugins, config), {
    credential: options.credential ?? (() => Promise.resolve(undefined)),
    proxy: config.proxy,
  });
  const driver = await host.store(config.store);
  const call: Call = { signal: options.signal ?? new AbortController().signal, emit: () => {} };
  const store = verifiedStore(await driver.open(config.root, call));
  let closing: Promise<void> | undefined;
  return {
    config,
    host,
    store,
    clock: options.clock ?? (() => new Date()),
    [Symbol.asyncDispose]: () => closing ??= Promise.resolve(store[Symbol.asyncDispose]()),
  };
}

async function entriesOf(plugins: readonly PluginEntry[], config: Config): Promise<readonly PluginEntry[]> {
  const builtins = plugins.map((entry) => {
    const section = config.pluginOptions[entry.name];
    return section === undefined ? entry : { ...entry, config: section };
  });
  if (config.plugins.length === 0) return builtins;
  const { fileEntry } = await import("./host/load_file.ts");
  return [...builtins, ...config.plugins.map(fileEntry)];
}
