import type { Plugin, PluginFactory, PluginHost } from "../contract/plugin.ts";
import { EngineError } from "../errors.ts";
import { createKit } from "../kit.ts";
import type { SourceFile } from "../contract/parse.ts";
import type { Grants, PluginEntry, PluginPermissions, Provides } from "./plugin_entry.ts";
import type { PluginExports } from "./sandbox/sandbox.ts";
import type { Wire } from "./sandbox/wire.ts";

/** A plugin file and what is known of it. */
export interface PluginFile {
  /** Name that the plugin gives itself. */
  readonly name: string;
  /** Absolute path, or `npm:package@version`. */
  readonly path: string;
  /** sha256 of the file, 64 hex digits. */
  readonly sha256: string;
  /** The plugin's own section of the config. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Keys of its hooks; undefined when they are found out by loading it. */
  readonly hooks?: Provides | undefined;
  /** What it is allowed in its sandbox; undefined for nothing. */
  readonly permissions: PluginPermissions | undefined;
  /** sha256 of the modules of npm packages that it may import, by `name@version`; undefined takes any. */
  readonly packages?: Readonly<Record<string, string>> | undefined;
  /** Whether it runs inside strata, with everything that strata may do. */
  readonly isTrusted: boolean;
  /** How long it may owe an answer, in seconds; a minute when undefined. */
  readonly timeoutSeconds?: number | undefined;
  /** The same for its start; half a minute when undefined. */
  readonly startSeconds?: number | undefined;
}

/** What a sandbox is made for. */
export interface SandboxNeeds {
  /** What the plugin may do. */
  readonly permissions: Grants;
  /** Whether the kit is to read and write archives, which takes longer to start. */
  readonly usesArchives: boolean;
}

/** What loading a plugin file needs of the machine. */
export interface LoadOptions {
  /** Starts a sandbox with permissions. Rejects `UNSUPPORTED` where there is none. */
  readonly openSandbox: (name: string, needs: SandboxNeeds) => Promise<Wire>;
  /** Reads the file of an npm package, `package@version`, of which the sha256 may be known; left out where there are none. */
  readonly readPackage?: (name: string, sha256: string | undefined) => Promise<Uint8Array<ArrayBuffer>>;
}

/** A plugin file that was read: its text is what is run, and no later change of the file counts. */
export interface LoadedFile {
  /** The whole text. */
  readonly text: string;
  /** sha256 of the bytes, 64 hex digits. */
  readonly sha256: string;
  /** Media type, which says whether it is TypeScript. */
  readonly type: string;
}

const defaultSeconds = { timeout: 60, start: 30 };

/**
 * An entry for a plugin file. What is run is what was hashed: the file is read once. One that is not trusted runs in a sandbox with
 * its permissions, after its imports were checked. Loading rejects `CONTENT_MISMATCH` for a file with another sha256, `NOT_FOUND` or
 * `OS_FAILED` for one that cannot be read, `UNSUPPORTED` where there is no sandbox, and `PLUGIN_FAILED` as
 * {@linkcode loadPlugin} does.
 */
export function fileEntry(file: PluginFile, options: LoadOptions): PluginEntry {
  const { name, sha256, hooks, isTrusted, permissions } = file;
  let sandbox: AsyncDisposable | undefined;
  return {
    name,
    sha256,
    config: file.options,
    ...(hooks === undefined ? {} : { provides: hooks }),
    async load(): Promise<{ readonly default: PluginFactory }> {
      if (isTrusted && permissions !== undefined) throw trustedWithPermissions(name);
      const source = await readPluginFile(file.path, { name, sha256, readPackage: options.readPackage });
      if (isTrusted) return await importText(source);
      const factory = async (host: PluginHost): Promise<Plugin> => {
        const formats = permissions?.scripts === true ? hooks?.parse : undefined;
        const opened = formats === undefined
          ? await openPlugin(file, source, { ...options, host })
          : await openScriptPlugin(file, source, { ...options, host, formats });
        sandbox = opened.sandbox;
        return opened.plugin;
      };
      return { default: factory };
    },
    close: async () => await sandbox?.[Symbol.asyncDispose](),
  };
}

/** A plugin in a sandbox. */
export interface OpenPlugin {
  /** What its factory gave, not checked. */
  readonly plugin: Plugin;
  /** What its module exports beside its factory, not checked. */
  readonly exported: PluginExports;
  /** sha256 of the modules of npm packages that it imports, by `name@version`. */
  readonly packages: Readonly<Record<string, string>>;
  /** Where it runs. */
  readonly sandbox: AsyncDisposable;
}

/** What is known of a plugin file that is started. */
type StartedFile = Pick<PluginFile, "name" | "permissions" | "packages" | "timeoutSeconds" | "startSeconds">;

/**
 * Starts a plugin file in a sandbox, or one that runs build files in one for each of them. Rejects as {@linkcode fileEntry} says;
 * nothing is left running then.
 */
export async function openPlugin(file: StartedFile, source: LoadedFile, options: OpenOptions): Promise<OpenPlugin> {
  if (file.permissions?.scripts !== true) return await openRealm(file, source, options);
  const { formatsOf } = await import("./script_realms.ts");
  const first = await openRealm(file, source, options);
  await first.sandbox[Symbol.asyncDispose]();
  const name = String(first.plugin.name);
  const formats = formatsOf(name, first.plugin);
  return { ...first, ...await openScriptPlugin({ ...file, name }, source, { ...options, formats }) };
}

/** The same for one that runs build files and whose formats are known, which is started when a file comes. */
async function openScriptPlugin(
  file: StartedFile,
  source: LoadedFile,
  { formats, ...options }: OpenOptions & { readonly formats: readonly string[] },
): Promise<Pick<OpenPlugin, "plugin" | "sandbox">> {
  const { ScriptRealms } = await import("./script_realms.ts");
  const realms = new ScriptRealms(file.name, (script) => openRealm(file, source, { ...options, script }));
  return { plugin: realms.plugin(formats), sandbox: realms };
}

interface OpenOptions extends LoadOptions {
  readonly host: PluginHost;
  /** The build file that it may run. */
  readonly script?: SourceFile;
}

async function openRealm(
  file: StartedFile,
  source: LoadedFile,
  { openSandbox, host, readPackage, script }: OpenOptions,
): Promise<OpenPlugin> {
  const [{ readImports }, { narrowHost }, { Sandbox }] = await Promise.all([
    import("./plugin_packages.ts"),
    import("./narrow_host.ts"),
    import("./sandbox/sandbox.ts"),
  ]);
  const { name, permissions = {}, timeoutSeconds = defaultSeconds.timeout, startSeconds = defaultSeconds.start } = file;
  const { packages, ...imported } = await readImports(source.text, {
    name,
    pinned: file.packages,
    read: (path, sha256) => readPluginFile(path, { name, sha256, readPackage }),
  });
  const { checkScriptPermissions, prepareScript } = await import("./script_source.ts");
  checkScriptPermissions(name, permissions);
  const { scripts: _scripts, ...grants } = permissions;
  const narrow = narrowHost(host, name, grants);
  const wire = await openSandbox(name, { permissions: grants, usesArchives: usesArchives(source.text) });
  const sandbox = new Sandbox(wire, (place, call) => narrow.credential(place, call), {
    name,
    timeoutMs: timeoutSeconds * 1000,
    startMs: startSeconds * 1000,
    ...(script === undefined ? {} : { file: script.path }),
  });
  try {
    const given = script === undefined ? {} : { script: prepareScript(script) };
    const exported = await sandbox.load({ text: source.text, type: source.type, ...imported, ...given });
    return { plugin: await sandbox.start(narrow), exported, packages, sandbox };
  } catch (error) {
    await sandbox[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether a text names the members of the kit that have to be loaded with the sandbox. */
function usesArchives(text: string): boolean {
  return text.includes("readArchive") || text.includes("writeTar");
}

/** What a plugin's file must be. */
export interface ExpectedFile {
  /** Name for messages. */
  readonly name: string;
  /** sha256, 64 hex digits; undefined takes any. */
  readonly sha256?: string | undefined;
  /** Reads the file of an npm package. */
  readonly readPackage?: LoadOptions["readPackage"] | undefined;
}

/**
 * Reads a plugin file, or that of `npm:package@version`, once. Rejects `CONTENT_MISMATCH` for another sha256, `NOT_FOUND` or `OS_FAILED`
 * for a file that cannot be read, and `PLUGIN_FAILED` for one that is no text.
 */
export async function readPluginFile(path: string, expected: ExpectedFile): Promise<LoadedFile> {
  const { name, sha256, readPackage } = expected;
  const isPackage = path.startsWith("npm:");
  if (isPackage && readPackage === undefined) throw noPackages(path, name);
  const bytes = isPackage && readPackage !== undefined
    ? await readPackage(path.slice(4), sha256)
    : readFile(path, name);
  const actual = await createKit().sha256(bytes);
  if (sha256 !== undefined && actual !== `sha256:${sha256}`) {
    throw new EngineError("CONTENT_MISMATCH", `Cannot load plugin file "${path}": its digest is ${actual}`, {
      detail: { expected: `sha256:${sha256}`, actual, plugin: name },
      hint: "Look at what changed in the file, then add it again with strata plugins add",
    });
  }
  const type = /\.m?ts$/.test(path) ? "application/typescript" : "text/javascript";
  return { text: decode(bytes, path, name), sha256: actual.slice("sha256:".length), type };
}

/** The module of a file that is trusted. */
async function importText({ text, type }: LoadedFile): Promise<{ readonly default: PluginFactory }> {
  const url = URL.createObjectURL(new Blob([text], { type }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function decode(bytes: Uint8Array<ArrayBuffer>, path: string, plugin: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new EngineError("PLUGIN_FAILED", `Cannot load plugin file "${path}": it is not UTF-8`, {
      cause,
      detail: { plugin },
    });
  }
}

function trustedWithPermissions(name: string): EngineError {
  const state = "permissions cannot be enforced on a trusted plugin";
  return new EngineError("UNSUPPORTED", `Cannot load plugin "${name}": ${state}`, {
    detail: { what: "plugin sandbox", plugin: name },
    hint: 'Remove "permissions" from the plugin in the config, or "trusted"',
  });
}

function noPackages(path: string, name: string): EngineError {
  return new EngineError("UNSUPPORTED", `Cannot load plugin "${path}": packages cannot be read here`, {
    detail: { what: "npm package", plugin: name },
  });
}

function readFile(path: string, name: string): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(path);
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound;
    const state = isMissing ? "it does not exist" : cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(isMissing ? "NOT_FOUND" : "OS_FAILED", `Cannot load plugin file "${path}": ${state}`, {
      cause,
      detail: { kind: "file", name: path, plugin: name },
    });
  }
}
