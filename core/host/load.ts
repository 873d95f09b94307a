import type { Plugin, PluginHost } from "../contract/plugin.ts";
import { EngineError, isEngineError } from "../errors.ts";
import { type HookKind, hookKinds, type PluginEntry, type Provides } from "./plugin_entry.ts";

/** Contract version of this engine. */
const API_VERSION = 1;

/**
 * Loads a plugin and checks what its factory gives. Rejects `UNSUPPORTED` for a plugin of another contract version and
 * `PLUGIN_FAILED` for one that cannot be loaded or is not what its entry says.
 */
export async function loadPlugin(entry: PluginEntry, host: PluginHost): Promise<Plugin> {
  const plugin = await runFactory(entry, host);
  checkPlugin(entry, plugin);
  return plugin;
}

async function runFactory(entry: PluginEntry, host: PluginHost): Promise<Plugin> {
  try {
    const { default: factory } = await entry.load();
    if (typeof factory !== "function") throw broken(entry.name, "its module has no default export that is a function");
    return await factory(host);
  } catch (cause) {
    if (isEngineError(cause)) throw cause;
    throw broken(entry.name, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function checkPlugin(entry: PluginEntry, plugin: unknown): asserts plugin is Plugin {
  if (typeof plugin !== "object" || plugin === null) throw broken(entry.name, "its factory gives no plugin");
  const { name, api } = { name: undefined, api: undefined, ...plugin };
  if (api !== API_VERSION) {
    throw new EngineError(
      "UNSUPPORTED",
      `Cannot load plugin "${entry.name}": it is written for contract version ${show(api)}, expected ${API_VERSION}`,
      { detail: { what: "contract version", known: [API_VERSION], plugin: entry.name } },
    );
  }
  if (typeof name !== "string" || !isPluginName(name)) {
    throw broken(entry.name, `it calls itself ${show(name)}, expected a name in kebab-case`);
  }
  if (name !== entry.name) throw broken(entry.name, `it calls itself ${show(name)}`);
  const offered = keysOf(entry.name, plugin);
  if (entry.provides !== undefined) checkProvided(entry.name, entry.provides, offered);
}

/** Whether the text can be a plugin's name: kebab-case. */
export function isPluginName(text: string): boolean {
  return /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(text);
}

/** Keys of the hooks that a loaded plugin has. Throws `PLUGIN_FAILED` for hooks without proper keys. */
export function keysOf(name: string, plugin: object): Required<Provides> {
  const members: Readonly<Record<string, unknown>> = { ...plugin };
  const keys = (kind: HookKind, member: string): readonly string[] => {
    const hooks = members[kind] ?? [];
    if (!Array.isArray(hooks)) throw broken(name, `its member "${kind}" is not a list of hooks`);
    return hooks.flatMap((hook: unknown) => {
      const value: unknown = typeof hook === "object" && hook !== null ? Reflect.get(hook, member) : undefined;
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      return list.map((key) => {
        if (typeof key === "string" && key !== "") return key;
        throw broken(name, `a ${kind} hook of it has no "${member}"`);
      });
    });
  };
  return {
    parse: keys("parse", "format"),
    layer: keys("layer", "kinds"),
    store: keys("store", "driver"),
    transport: keys("transport", "schemes"),
  };
}

function checkProvided(name: string, declared: Provides, offered: Required<Provides>): void {
  for (const kind of hookKinds) {
    const expected = [...declared[kind] ?? []].sort().join(", ");
    const actual = [...offered[kind]].sort().join(", ");
    if (expected !== actual) throw broken(name, `its ${kind} hooks are for "${actual}", expected "${expected}"`);
  }
}

function broken(name: string, state: string, cause?: unknown): EngineError {
  return new EngineError("PLUGIN_FAILED", `Cannot load plugin "${name}": ${state}`, {
    detail: { plugin: name },
    ...(cause === undefined ? {} : { cause }),
  });
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80);
}
