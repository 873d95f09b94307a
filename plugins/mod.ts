import type { PluginEntry } from "../core/host/plugin_entry.ts";

/**
 * The plugins that come with strata. Each is loaded when it is first used.
 *
 * @example Names of the built-in plugins
 * ```ts
 * import { builtins } from "@strata/strata";
 *
 * console.log(builtins.map(({ name }) => name));
 * ```
 */
export const builtins: readonly PluginEntry[] = [
  {
    name: "parse-dockerfile",
    provides: { parse: ["dockerfile"] },
    load: () => import("./parse_dockerfile/mod.ts"),
  },
  {
    name: "layer-copy",
    provides: { layer: ["copy", "mkdir"] },
    load: () => import("./layer_copy/mod.ts"),
  },
  {
    name: "layer-fetch",
    provides: { layer: ["fetch"] },
    load: () => import("./layer_fetch/mod.ts"),
  },
  {
    name: "layer-run",
    provides: { layer: ["run"] },
    load: () => import("./layer_run/mod.ts"),
  },
  {
    name: "store-local",
    provides: { store: ["local"] },
    load: () => import("./store_local/mod.ts"),
  },
  {
    name: "transport-archive",
    provides: { transport: ["docker-archive", "oci-archive", "oci", "dir", "docker-daemon"] },
    load: () => import("./transport_archive/mod.ts"),
  },
  {
    name: "transport-registry",
    provides: { transport: ["registry"] },
    load: () => import("./transport_registry/mod.ts"),
  },
];
