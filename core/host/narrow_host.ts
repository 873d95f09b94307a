import type { Credential, PluginHost } from "../contract/plugin.ts";
import { EngineError } from "../errors.ts";
import type { PluginPermissions } from "./plugin_entry.ts";

/**
 * What a plugin that is not trusted is given of a host: logins of the hosts that it may reach and of no others (`DENIED`), and proxies,
 * whose URLs may hold a password, when it may reach any.
 */
export function narrowHost(host: PluginHost, plugin: string, { net = false }: PluginPermissions): PluginHost {
  const hasNet = net === true || (net !== false && net.length > 0);
  return {
    ...host,
    proxy: hasNet ? host.proxy : { none: [] },
    async credential(place, call): Promise<Credential | undefined> {
      const [wanted = ""] = place.split("/");
      if (net === true || (net !== false && net.some((granted) => covers(granted, wanted)))) {
        return await host.credential(place, call);
      }
      throw new EngineError(
        "DENIED",
        `Cannot give plugin "${plugin}" the login for "${wanted}": it may not reach that host`,
        {
          detail: { host: wanted, plugin },
          hint: `Give it "net": ["${wanted}"] under "permissions" in the config, if it should have it`,
        },
      );
    },
  };
}

/** Whether a host that was granted, with or without a port, is the one that is wanted. */
function covers(granted: string, wanted: string): boolean {
  const [left, right] = [split(granted), split(wanted)];
  const hasOnePort = left.port === undefined || right.port === undefined || left.port === right.port;
  return left.name === right.name && hasOnePort;
}

function split(host: string): { readonly name: string; readonly port: string | undefined } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::([0-9]+))?$/.exec(host);
  return { name: (match?.[1] ?? host).toLowerCase(), port: match?.[2] };
}
