import type {
  Credential,
  Plugin,
  PluginFactory,
  PluginHost,
  TransportSink,
  TransportSource,
} from "../../core/contract/mod.ts";
import { parseAddress } from "./address.ts";
import type { Shared } from "./client.ts";
import { Connections } from "./connections.ts";
import { readSettings } from "./settings.ts";

/**
 * Images in registries (distribution-spec). The address is `host/repository`, with `:tag` or `@digest` where one image is meant; names
 * are tags. The config says how single registries are reached: see docs/registries.md.
 */
const transportRegistry: PluginFactory = (host: PluginHost): Plugin => {
  const { kit, proxy } = host;
  const settings = readSettings(host);
  const shared: Shared = {
    settings,
    connections: new Connections({ proxy, certificateDirectories: settings.certificateDirectories, kit }),
    servers: new Map(),
    sessions: new Map(),
    credential: (place, call) => host.credential(place, call),
    kit,
  };
  return {
    name: "transport-registry",
    api: 1,
    transport: [{
      schemes: ["registry"],
      async source(address, call): Promise<TransportSource> {
        const { openSource } = await import("./source.ts");
        return await openSource(parseAddress(address, kit), shared, call);
      },
      async sink(address): Promise<TransportSink> {
        const { openSink } = await import("./sink.ts");
        return openSink(parseAddress(address, kit), shared);
      },
      async login(place, credential, call): Promise<Credential> {
        const { logIn } = await import("./login.ts");
        return await logIn({ host: place, credential }, shared, call);
      },
    }],
  };
};
export default transportRegistry;
