import type { PluginHost } from "../../core/contract/mod.ts";
import { refuseScript } from "../../core/host/refuse_script.ts";
import { createKit } from "../../core/kit.ts";

/** What a plugin's factory is given, with nobody logged in anywhere and no proxies unless `members` says so. */
export function createTestHost(
  config: Readonly<Record<string, unknown>> = {},
  members: Partial<PluginHost> = {},
): PluginHost {
  return {
    config,
    kit: createKit(),
    proxy: { none: [] },
    credential: () => Promise.resolve(undefined),
    runScript: refuseScript,
    ...members,
  };
}
