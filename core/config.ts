import {
  type FileConfig,
  isAbsolutePath,
  parseConfig,
  type PluginConfig,
  type ProgressStyle,
  progressStyles,
} from "./config_file.ts";
import type { ProxySettings } from "./contract/plugin.ts";
import { EngineError } from "./errors.ts";
import type { SandboxKind } from "./host/plugin_entry.ts";

export { type PluginConfig, type PluginPermissions, type ProgressStyle, progressStyles } from "./config_file.ts";

/**
 * Everything that can be set, merged once.
 *
 * @example Where an engine keeps its images
 * ```ts
 * import { builtins, type Config, createEngine } from "@strata/strata";
 *
 * const root = await Deno.makeTempDir();
 * await using engine = await createEngine({ plugins: builtins, config: { root } });
 * const config: Config = engine.config;
 * console.log(config.root === root, config.store);
 * ```
 */
export interface Config {
  /** Absolute path of the config file, which may not exist; undefined when there is no home. */
  readonly file: string | undefined;
  /** Absolute path of the directory that strata keeps its data in. */
  readonly root: string;
  /** Store driver. */
  readonly store: string;
  /** Platform to build for when none is asked for, such as `linux/arm64`; undefined means the machine's own. */
  readonly platform: string | undefined;
  /** How progress is shown when no flag says so. */
  readonly progress: ProgressStyle;
  /** Whether output has no colours. */
  readonly noColor: boolean;
  /** Seconds since the Unix epoch that times are clamped to; undefined leaves them as they are. */
  readonly sourceDateEpoch: number | undefined;
  /** Absolute path of the directory with Docker's `config.json`, where logins are; undefined when there is no home. */
  readonly dockerConfig: string | undefined;
  /** Proxies for requests to other hosts. */
  readonly proxy: ProxySettings;
  /** Kind of sandbox for plugins that are not trusted; undefined for the best that there is. */
  readonly pluginSandbox: SandboxKind | undefined;
  /** Plugins beside the built-in ones, in order. */
  readonly plugins: readonly PluginConfig[];
  /** References without tag that short names stand for. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Sections of built-in plugins, by plugin name. */
  readonly pluginOptions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const variables = [
  "STRATA_ROOT",
  "STRATA_STORE",
  "STRATA_PLATFORM",
  "STRATA_PROGRESS",
  "STRATA_CONFIG",
  "SOURCE_DATE_EPOCH",
  "NO_COLOR",
  "DOCKER_CONFIG",
  "DOCKER_HOST",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  "XDG_DATA_HOME",
  "XDG_CONFIG_HOME",
  "HOME",
  "USERPROFILE",
] as const;

/** Gives the value of an environment variable. */
export type ReadVariable = (name: string) => string | undefined;

type Environment = Readonly<Partial<Record<typeof variables[number], string>>>;

/**
 * The config: overrides (flags), then the environment (`STRATA_ROOT`, `STRATA_STORE`, `STRATA_PLATFORM`, `STRATA_PROGRESS`,
 * `SOURCE_DATE_EPOCH`, `NO_COLOR`, `DOCKER_CONFIG`, `DOCKER_HOST`, `HTTPS_PROXY` and its like), then the config file (`STRATA_CONFIG`, else
 * `strata/config.json` in the XDG config directory), then defaults. An empty variable counts as not set. Frozen. Throws `INVALID_ARGUMENT` for a wrong value,
 * naming where it is from, and `OS_FAILED` for a config file that cannot be read.
 */
export function loadConfig(overrides: Partial<Config> = {}, readVariable: ReadVariable = readProcess): Config {
  const environment = readEnvironment(readVariable);
  const set = { ...readFile(environment), ...readSettings(environment), ...withoutUndefined(overrides) };
  const home = environment.HOME ?? environment.USERPROFILE;
  return Object.freeze({
    file: set.file ?? configPath(environment),
    root: absolute(set.root ?? `${dataDirectory(environment)}/strata`),
    store: set.store ?? "local",
    platform: set.platform,
    progress: set.progress ?? "auto",
    noColor: set.noColor ?? false,
    sourceDateEpoch: set.sourceDateEpoch,
    dockerConfig: set.dockerConfig ?? (home === undefined ? undefined : `${home}/.docker`),
    proxy: set.proxy ?? { none: [] },
    pluginSandbox: set.pluginSandbox,
    plugins: set.plugins ?? [],
    aliases: set.aliases ?? {},
    pluginOptions: withDockerHost(set.pluginOptions ?? {}, environment.DOCKER_HOST),
  });
}

/** Sections of plugins with where Docker listens in that of the plugin that speaks to it. */
function withDockerHost(sections: Config["pluginOptions"], dockerHost: string | undefined): Config["pluginOptions"] {
  const name = "transport-archive";
  return dockerHost === undefined ? sections : { ...sections, [name]: { ...sections[name], dockerHost } };
}

function readEnvironment(readVariable: ReadVariable): Environment {
  return withoutUndefined(Object.fromEntries(variables.map((name) => [name, readVariable(name) || undefined])));
}

function readProcess(name: string): string | undefined {
  return Deno.env.get(name);
}

function readSettings(environment: Environment): Partial<Config> {
  const { STRATA_PROGRESS: progress, SOURCE_DATE_EPOCH: epoch, DOCKER_CONFIG: dockerConfig } = environment;
  return withoutUndefined({
    root: environment.STRATA_ROOT,
    store: environment.STRATA_STORE,
    platform: environment.STRATA_PLATFORM,
    progress: progress === undefined ? undefined : parseProgress(progress, "STRATA_PROGRESS"),
    noColor: environment.NO_COLOR === undefined ? undefined : true,
    sourceDateEpoch: epoch === undefined ? undefined : parseEpoch(epoch),
    dockerConfig: dockerConfig === undefined ? undefined : absolute(dockerConfig),
    proxy: readProxies(environment),
  });
}

/** The proxies that the environment names, lower-case variables first as for curl; what is no URL is told when it is used. */
function readProxies(environment: Environment): ProxySettings | undefined {
  const all = environment.all_proxy ?? environment.ALL_PROXY;
  const http = environment.http_proxy ?? environment.HTTP_PROXY ?? all;
  const https = environment.https_proxy ?? environment.HTTPS_PROXY ?? all;
  if (http === undefined && https === undefined) return undefined;
  const none = (environment.no_proxy ?? environment.NO_PROXY ?? "").split(",").map((host) => host.trim());
  return { ...withoutUndefined({ http, https }), none: none.filter((host) => host !== "") };
}

function readFile(environment: Environment): FileConfig {
  const path = configPath(environment);
  if (path === undefined) return {};
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (cause) {
    // Only a file that was asked for has to be there.
    if (cause instanceof Deno.errors.NotFound && environment.STRATA_CONFIG === undefined) return {};
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("OS_FAILED", `Cannot read config file "${path}": ${state}`, { cause, detail: { path } });
  }
  return parseConfig(text, path);
}

function configPath(environment: Environment): string | undefined {
  if (environment.STRATA_CONFIG !== undefined) return absolute(environment.STRATA_CONFIG);
  const directory = xdgDirectory(environment.XDG_CONFIG_HOME, environment, ".config");
  return directory === undefined ? undefined : `${directory}/strata/config.json`;
}

function dataDirectory(environment: Environment): string {
  const directory = xdgDirectory(environment.XDG_DATA_HOME, environment, ".local/share");
  if (directory !== undefined) return directory;
  throw new EngineError("INVALID_ARGUMENT", "Cannot choose a directory for the store: no home directory is known", {
    detail: { field: "root" },
    hint: "Name a directory with --root or STRATA_ROOT",
  });
}

/** A directory of the XDG base directory specification, in which a path that is not absolute has no meaning. */
function xdgDirectory(path: string | undefined, environment: Environment, fallback: string): string | undefined {
  if (path !== undefined && isAbsolutePath(path)) return path;
  const home = environment.HOME ?? environment.USERPROFILE;
  return home === undefined ? undefined : `${home}/${fallback}`;
}

/** A style of progress; `source` is the flag or variable that it is from. Throws `INVALID_ARGUMENT`. */
export function parseProgress(text: string, source: string): ProgressStyle {
  const style = progressStyles.find((known) => known === text);
  if (style !== undefined) return style;
  throw invalid(source, text, `one of ${progressStyles.join(", ")}`);
}

function parseEpoch(text: string): number {
  const seconds = Number(text);
  if (/^[0-9]+$/.test(text) && seconds <= MAX_EPOCH) return seconds;
  throw invalid("SOURCE_DATE_EPOCH", text, "seconds since 1970 as a whole number");
}

/** Last second that a date can hold with four digits for the year. */
const MAX_EPOCH = 253_402_300_799;

function invalid(source: string, value: string, expected: string): EngineError {
  const shown = value.slice(0, 160);
  return new EngineError("INVALID_ARGUMENT", `Cannot use ${source} "${shown}": expected ${expected}`, {
    detail: { field: source, value: shown },
  });
}

function absolute(path: string): string {
  const from = isAbsolutePath(path) ? path : `${Deno.cwd()}/${path.replace(/^(?:\.\/)+/, "")}`;
  return from.replace(/(?<=.)[\\/]+$/, "");
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Partial<Defined<T>> {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<Defined<T>>;
}

/** One variable of the environment, for `--build-arg NAME` and the like; undefined when it is not set or may not be read. */
export function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined;
  }
}

/** All variables of the environment; none where they may not be read. */
export function readVariables(): Readonly<Record<string, string>> {
  try {
    return Deno.env.toObject();
  } catch {
    return {};
  }
}
