import { EngineError } from "./errors.ts";
import type { PermissionKind, PluginPermissions, Provides, SandboxKind } from "./host/plugin_entry.ts";

export type { PermissionKind, PluginPermissions, SandboxKind } from "./host/plugin_entry.ts";

/**
 * A plugin file named in the config.
 *
 * @example The plugins of an engine that may use the network
 * ```ts
 * import type { Engine, PluginConfig } from "@strata/strata";
 *
 * function networked({ config }: Engine): readonly PluginConfig[] {
 *   return config.plugins.filter(({ permissions, isTrusted }) => isTrusted || permissions?.net !== undefined);
 * }
 * ```
 */
export interface PluginConfig {
  /** Name that the plugin gives itself. */
  readonly name: string;
  /** Absolute path of its file, TypeScript or JavaScript, or `npm:package@version`. */
  readonly path: string;
  /** sha256 of the file, 64 hex digits. */
  readonly sha256: string;
  /** The plugin's own section. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Keys of its hooks, so that it is loaded only when one is needed; undefined when it is to be loaded to find out. */
  readonly hooks: Provides | undefined;
  /** What it may do when it is sandboxed; undefined when the config does not say. */
  readonly permissions: PluginPermissions | undefined;
  /** sha256 of the modules of npm packages that it imports, by `name@version`. */
  readonly packages: Readonly<Record<string, string>>;
  /** Whether it runs inside strata with everything that strata may do. */
  readonly isTrusted: boolean;
  /** How long it may owe an answer, in seconds; undefined for a minute. */
  readonly timeoutSeconds: number | undefined;
  /** The same for its start; undefined for half a minute. */
  readonly startSeconds: number | undefined;
}

/** Styles of progress, as they are written. */
export const progressStyles: readonly ProgressStyle[] = ["auto", "tty", "plain", "quiet", "rawjson"];

/**
 * How progress is shown: by what the output is, live lines, plain lines, none, or JSON lines.
 *
 * @example No progress at all
 * ```ts
 * import type { ProgressStyle } from "@strata/strata";
 *
 * const progress: ProgressStyle = "quiet";
 * console.log(progress);
 * ```
 */
export type ProgressStyle = "auto" | "tty" | "plain" | "quiet" | "rawjson";

/**
 * What a config file may say.
 *
 * @example What an engine is told in place of a config file
 * ```ts
 * import type { FileConfig } from "@strata/strata";
 *
 * const config: FileConfig = { root: "/var/lib/strata", aliases: { app: "registry.example.com/team/app" } };
 * console.log(config.root);
 * ```
 */
export interface FileConfig {
  /** Directory of the data; relative to the file. */
  readonly root?: string;
  /** Store driver. */
  readonly store?: string;
  /** Platform to build for. */
  readonly platform?: string;
  /** How progress is shown. */
  readonly progress?: ProgressStyle;
  /** Whether output has no colours. */
  readonly noColor?: boolean;
  /** Directory of Docker's `config.json`; relative to the file. */
  readonly dockerConfig?: string;
  /** Kind of sandbox for plugins that are not trusted. */
  readonly pluginSandbox?: SandboxKind;
  /** Plugins beside the built-in ones. */
  readonly plugins?: readonly PluginConfig[];
  /** References without tag that short names stand for. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Sections for built-in plugins, by plugin name. */
  readonly pluginOptions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * Reads a config text. `path` is the file it is from; relative paths in it count from there. Throws `INVALID_ARGUMENT` naming
 * the file and the key for what is not JSON, not known, or of the wrong type.
 */
export function parseConfig(text: string, path: string): FileConfig {
  const value = new Value(parseJson(text, path), { file: path, key: "" });
  return value.object({
    root: (member) => member.path(),
    store: (member) => member.text(),
    platform: (member) => member.text(),
    progress: (member) => member.oneOf(progressStyles),
    noColor: (member) => member.boolean(),
    dockerConfig: (member) => member.path(),
    pluginSandbox: (member) => member.oneOf<SandboxKind>(["bubblewrap", "worker", "process"]),
    plugins: (member) => member.list().map(readPlugin),
    aliases: (member) => member.record((name) => name.text()),
    pluginOptions: (member) => member.record((section) => section.anyObject()),
  });
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError("INVALID_ARGUMENT", `Cannot read config file "${path}": ${state}`, {
      cause,
      detail: { field: "config", value: path },
      hint: "Write the config file as JSON",
    });
  }
}

function readPlugin(value: Value): PluginConfig {
  const plugin = value.object({
    name: (member) => member.text(),
    path: (member) => member.fileOrPackage(),
    sha256: readSha256,
    packages: (member) => member.record(readSha256),
    options: (member) => member.anyObject(),
    hooks: (member) => member.object(hookFields),
    permissions: (member) => member.object(permissionFields),
    trusted: (member) => member.boolean(),
    timeoutSeconds: (member) => member.positive(),
    startSeconds: (member) => member.positive(),
  });
  const path = plugin.path ?? value.missing("path");
  return {
    name: plugin.name ?? path.replace(/^.*[\\/]/, "").replace(/\.[a-z]+$/, ""),
    path,
    sha256: plugin.sha256 ?? value.missing("sha256"),
    options: plugin.options ?? {},
    hooks: plugin.hooks,
    permissions: plugin.permissions,
    packages: plugin.packages ?? {},
    isTrusted: plugin.trusted ?? false,
    timeoutSeconds: plugin.timeoutSeconds,
    startSeconds: plugin.startSeconds,
  };
}

function readSha256(value: Value): string {
  return value.matching(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
}

type Readers<T> = { readonly [K in keyof T]: (member: Value) => T[K] };

const permissionFields: Readers<Record<PermissionKind, boolean | readonly string[]> & { readonly scripts: boolean }> = {
  env: (member) => member.permission(),
  net: (member) => member.permission(),
  read: (member) => member.pathPermission(),
  scripts: (member) => member.boolean(),
  sys: (member) => member.permission(),
  write: (member) => member.pathPermission(),
};

const hookFields: Readers<Required<Provides>> = {
  parse: (member) => member.list().map((key) => key.text()),
  layer: (member) => member.list().map((key) => key.text()),
  store: (member) => member.list().map((key) => key.text()),
  transport: (member) => member.list().map((key) => key.text()),
};

interface Place {
  readonly file: string;
  /** Where in the file, such as `plugins[0].path`; empty for the whole. */
  readonly key: string;
}

/** A value of the file with its place, so that whatever is wrong with it can be named. */
class Value {
  readonly #value: unknown;
  readonly #place: Place;

  constructor(value: unknown, place: Place) {
    this.#value = value;
    this.#place = place;
  }

  text(): string {
    if (typeof this.#value === "string" && this.#value !== "") return this.#value;
    throw this.#wrong("a text that is not empty");
  }

  boolean(): boolean {
    if (typeof this.#value === "boolean") return this.#value;
    throw this.#wrong("true or false");
  }

  matching(pattern: RegExp, expected: string): string {
    if (typeof this.#value === "string" && pattern.test(this.#value)) return this.#value;
    throw this.#wrong(expected);
  }

  oneOf<T extends string>(known: readonly T[]): T {
    const found = known.find((word) => word === this.#value);
    if (found !== undefined) return found;
    throw this.#wrong(`one of ${known.join(", ")}`);
  }

  /** A path, made absolute from the directory of the file. */
  path(): string {
    const text = this.text();
    if (isAbsolutePath(text)) return text;
    return `${this.#place.file.replace(/[\\/][^\\/]*$/, "")}/${text.replace(/^\.\//, "")}`;
  }

  /** A path, or a package of npm with its version, `npm:name@1.2.3`. */
  fileOrPackage(): string {
    const text = this.text();
    if (!text.startsWith("npm:")) return this.path();
    if (isExactPackage(text)) return text;
    throw this.#wrong("npm:NAME@VERSION with an exact version");
  }

  positive(): number {
    if (typeof this.#value === "number" && this.#value > 0 && Number.isFinite(this.#value)) return this.#value;
    throw this.#wrong("a number above 0");
  }

  /** As `permission`, with paths made absolute. */
  pathPermission(): boolean | readonly string[] {
    const permission = this.permission();
    return typeof permission === "boolean" ? permission : this.list().map((item) => item.path());
  }

  permission(): boolean | readonly string[] {
    if (typeof this.#value === "boolean") return this.#value;
    if (!Array.isArray(this.#value)) throw this.#wrong("true, false or a list of texts");
    return this.list().map((item) => item.text());
  }

  list(): readonly Value[] {
    if (!Array.isArray(this.#value)) throw this.#wrong("a list");
    const { file, key } = this.#place;
    return this.#value.map((item: unknown, index) => new Value(item, { file, key: `${key}[${index}]` }));
  }

  anyObject(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(this.#entries());
  }

  record<T>(read: (member: Value) => T): Readonly<Record<string, T>> {
    return Object.fromEntries(this.#entries().map(([name, value]) => [name, read(this.#member(name, value))]));
  }

  /** An object of known members, each of which may be left out. */
  object<T>(readers: Readers<T>): Partial<T> {
    const result: Partial<T> = {};
    for (const [name, value] of this.#entries()) {
      if (!isKeyOf(readers, name)) throw this.#unknown(name, Object.keys(readers));
      result[name] = readers[name](this.#member(name, value));
    }
    return result;
  }

  missing(name: string): never {
    throw this.#member(name, undefined).#wrong("a value");
  }

  #entries(): [string, unknown][] {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#wrong("an object");
    return Object.entries(value);
  }

  #member(name: string, value: unknown): Value {
    const { file, key } = this.#place;
    return new Value(value, { file, key: key === "" ? name : `${key}.${name}` });
  }

  #unknown(name: string, known: readonly string[]): EngineError {
    const key = this.#place.key === "" ? name : `${this.#place.key}.${name}`;
    return new EngineError(
      "INVALID_ARGUMENT",
      `Cannot use key "${key}" of config file "${this.#place.file}": unknown`,
      {
        detail: { field: key, file: this.#place.file, known },
        hint: `Use only the keys ${known.join(", ")} here`,
      },
    );
  }

  #wrong(expected: string): EngineError {
    const { file, key } = this.#place;
    const what = key === "" ? `config file "${file}"` : `key "${key}" of config file "${file}"`;
    // The value itself may be a secret, so only its kind is told.
    const state = `it is ${kindOf(this.#value)}, expected ${expected}`;
    return new EngineError("INVALID_ARGUMENT", `Cannot use ${what}: ${state}`, { detail: { field: key, file } });
  }
}

/** Whether a text names a package of npm with its exact version, as `npm:name@1.2.3` or `npm:@scope/name@1.2.3`. */
export function isExactPackage(text: string): boolean {
  return /^npm:(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*@[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]*)?$/
    .test(text);
}

/** Whether a path is absolute, on Unix or Windows. */
export function isAbsolutePath(path: string): boolean {
  return /^(?:\/|[A-Za-z]:[\\/])/.test(path);
}

function isKeyOf<T extends object>(object: T, key: string): key is keyof T & string {
  return Object.hasOwn(object, key);
}

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (value === "") return "an empty text";
  return Array.isArray(value)
    ? "a list"
    : { string: "a text", object: "an object" }[String(typeof value)] ?? `a ${typeof value}`;
}
