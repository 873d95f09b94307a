import type { ParseHook, Plugin, PluginFactory } from "../../core/contract/mod.ts";
import type { PluginEntry } from "../../core/engine.ts";
import { builtins } from "../../plugins/mod.ts";

/** The built-in plugins, and how often a build file was parsed. */
export interface CountedParser {
  readonly plugins: readonly PluginEntry[];
  readonly count: number;
}

/** Counts how often build files are parsed. */
export function countParser(): CountedParser {
  let count = 0;
  const counted = (hook: ParseHook): ParseHook => ({
    format: hook.format,
    matches: (file) => hook.matches(file),
    parse: (file, context) => {
      count++;
      return hook.parse(file, context);
    },
    outline: (file, context) => hook.outline(file, context),
  });
  const plugins = builtins.map((entry): PluginEntry => {
    if (entry.name !== "parse-dockerfile") return entry;
    const load = async (): Promise<{ readonly default: PluginFactory }> => {
      const { default: factory } = await entry.load();
      return {
        default: async (host): Promise<Plugin> => {
          const plugin = await factory(host);
          return { ...plugin, parse: (plugin.parse ?? []).map(counted) };
        },
      };
    };
    return { ...entry, load };
  });
  return {
    plugins,
    get count(): number {
      return count;
    },
  };
}
