import type { Config } from "../config.ts";
import { EngineError } from "../errors.ts";
import { changePlugins } from "./plugin_config.ts";

/** Takes plugins out of the config file, all or none. Throws `NOT_FOUND` for a name that it does not have. */
export function removePlugins(config: Config, names: readonly string[]): void {
  for (const name of names) {
    if (config.plugins.some((plugin) => plugin.name === name)) continue;
    throw new EngineError("NOT_FOUND", `Cannot remove plugin "${name}": the config has none of that name`, {
      detail: { kind: "plugin", name },
      hint: "Run: strata plugins ls",
    });
  }
  // In the order of the config, since one without a name is called after its file.
  const kept = new Set(config.plugins.flatMap(({ name }, i) => names.includes(name) ? [] : [i]));
  changePlugins(config, (plugins) => plugins.filter((_, i) => kept.has(i)));
}
