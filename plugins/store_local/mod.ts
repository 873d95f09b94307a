import type { Plugin, PluginHost } from "../../core/contract/mod.ts";
import { openLocalStore } from "./local_store.ts";

/** The plugin that keeps images in a directory of this host: store driver `local`. */
export default function storeLocal(host: PluginHost): Plugin {
  return {
    name: "store-local",
    api: 1,
    store: [{
      driver: "local",
      open: (location, call) => openLocalStore(location, { kit: host.kit, clock: () => new Date() }, call),
    }],
  };
}
