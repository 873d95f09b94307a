import { type Config, loadConfig, readVariable } from "./config.ts";
import type { Call } from "./contract/call.ts";
import type { Credential } from "./contract/plugin.ts";
import type { Store } from "./contract/store.ts";
import type { PluginEntry } from "./host/plugin_entry.ts";
import { createHost, type Host } from "./host/registry.ts";
import type { Logins } from "./os/credential.ts";
import { verifiedStore } from "./store/verified.ts";

export type { PluginEntry, Provides } from "./host/plugin_entry.ts";

/**
 * An opened strata: config, plugins and store. Disposing it closes the store, once.
 *
 * @example Names of the plugins of an engine
 * ```ts
 * import { builtins, createEngine, type Engine } from "@strata/strata";
 *
 * function pluginNames({ host }: Engine): string[] {
 *   return host.plugins.map(({ name }) => name);
 * }
 * await using engine = await createEngine({ plugins: builtins, config: { root: await Deno.makeTempDir() } });
 * console.log(pluginNames(engine));
 * ```
 */
export interface Engine extends AsyncDisposable {
  /** What is set. */
  readonly config: Config;
  /** The plugins, guarded. */
  readonly host: Host;
  /** The store; every stream it gives is verified. */
  readonly store: Store;
  /** Logins with registries. */
  readonly logins: Logins;
  /** Gives the time of now. */
  readonly clock: () => Date;
}

/**
 * Sections of a config, by plugin name.
 *
 * @example The section of one plugin
 * ```ts
 * import type { PluginSections } from "@strata/strata";
 *
 * const sections: PluginSections = { "transport-registry": { retries: 2 } };
 * console.log(Object.keys(sections));
 * ```
 */
export type PluginSections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * What an engine is made of.
 *
 * @example Another store, logins of one's own
 * ```ts
 * import { builtins, type EngineOptions } from "@strata/strata";
 *
 * const options: EngineOptions = {
 *   plugins: builtins,
 *   config: { root: "/var/lib/strata", sourceDateEpoch: 0 },
 *   credential: () => Promise.resolve({ username: "ci", secret: "token" }),
 * };
 * console.log(options.config?.root);
 * ```
 */
export interface EngineOptions {
  /** Plugins; the built-in ones are in plugins/mod.ts. Those of the config are added. */
  readonly plugins: readonly PluginEntry[];
  /** Overrides of environment and config file. */
  readonly config?: Partial<Config>;
  /** Gives the time of now; the system's when left out. */
  readonly clock?: () => Date;
  /**
   * Members laid over the config's sections of built-in plugins, by plugin name; objects in them are laid over one another. What depends on
   * the config is given by a function of it.
   */
  readonly pluginOptions?: PluginSections | ((config: Config) => PluginSections | undefined);
  /** Login for a registry, a host or `host/repository`; that of docker's config and podman's when left out. */
  readonly credential?: (place: string, call: Call) => Promise<Credential | undefined>;
  /**
   * `worker` says that this process has Deno's unstable feature `worker-options` (in its deno.json or as `--unstable-worker-options`) and
   * asks nobody for permissions (`--no-prompt`, or no terminal), so that plugins that are not trusted may run in Workers of it
   * where there is no bubblewrap. Without it they run in processes of their own.
   */
  readonly sandbox?: "worker";
  /** Aborting it makes opening reject with `CANCELED`. */
  readonly signal?: AbortSignal;
}

/**
 * Opens an engine: reads the config, plugs the plugins in, opens the store. Rejects as {@linkcode loadConfig},
 * {@linkcode createHost} and the store's driver do.
 *
 * @example Open the store of a directory
 * ```ts
 * import { builtins, createEngine } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root: `${root}/strata` } });
 * console.log(engine.config.root, engine.store.localPath(`sha256:${"0".repeat(64)}`));
 * ```
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const config = loadConfig(options.config, readPermitted);
  const logins = openLogins(config, options.credential);
  await using cleanup = new AsyncDisposableStack();
  const host = cleanup.use(
    await createHost(await entriesOf(options, config), {
      credential: (place, call) => logins.find(place, call),
      proxy: config.proxy,
    }),
  );
  const driver = await host.store(config.store);
  const call: Call = { signal: options.signal ?? new AbortController().signal, emit: () => {} };
  const store = cleanup.use(verifiedStore(await driver.open(config.root, call)));
  const opened = cleanup.move();
  let closing: Promise<void> | undefined;
  return {
    config,
    host,
    store,
    logins,
    clock: options.clock ?? (() => new Date()),
    [Symbol.asyncDispose]: () => closing ??= opened.disposeAsync(),
  };
}

/** Logins, read with code that is loaded when one is asked for. */
function openLogins(config: Config, find: EngineOptions["credential"]): Logins {
  const places = { dockerConfig: config.dockerConfig, environment: readPermitted };
  const load = (): Promise<typeof import("./os/credential.ts")> => import("./os/credential.ts");
  return {
    find: find ?? (async (place, call) => (await load()).findCredential(places, place, call)),
    store: async (host, credential, call) => (await load()).storeCredential(places, { host, credential }, call),
    erase: async (host, call) => (await load()).eraseCredential(places, host, call),
  };
}

/** A variable that this process may not read counts as not set, and nobody is asked for the permission: a library runs with what it is given. */
function readPermitted(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? readVariable(name) : undefined;
}

async function entriesOf(
  { plugins, pluginOptions, sandbox }: EngineOptions,
  config: Config,
): Promise<readonly PluginEntry[]> {
  const above = typeof pluginOptions === "function" ? pluginOptions(config) : pluginOptions;
  const builtins = plugins.map((entry) => {
    const section = config.pluginOptions[entry.name];
    const over = above?.[entry.name];
    if (section === undefined && over === undefined) return entry;
    return { ...entry, config: layOver(section ?? {}, over ?? {}) };
  });
  if (config.plugins.length === 0) return builtins;
  const [{ fileEntry }, { loadOptions }] = await Promise.all([
    import("./host/load_file.ts"),
    import("./engine_sandbox.ts"),
  ]);
  const load = loadOptions(config, sandbox === "worker");
  return [...builtins, ...config.plugins.map((file) => fileEntry(file, load))];
}

/** A plugin's section of the config. */
type Section = Readonly<Record<string, unknown>>;

function layOver(below: Section, above: Section): Section {
  const laid: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const old = Object.hasOwn(below, name) ? below[name] : undefined;
    laid[name] = isSection(old) && isSection(value) ? layOver(old, value) : value;
  }
  return laid;
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
