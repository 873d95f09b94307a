import { transportConformance } from "../conformance/transport.ts";
import { registryHook } from "../helpers/registry_fixture.ts";
import { startRegistry } from "../helpers/registry_process.ts";
import { isMissing, peers } from "../helpers/require.ts";

if (!isMissing(peers.dockerRegistry)) {
  transportConformance("registry, docker-registry by plain http,", async () => {
    const registry = await startRegistry();
    let count = 0;
    return {
      hook: await registryHook(),
      holdsOne: false,
      listsUnnamed: false,
      name: (text) => text.replace(/[/:]/g, "-"),
      address: () => `${registry.host}/team/image${count++}`,
      exists: async (address) => {
        const path = address.slice(address.indexOf("/") + 1);
        const response = await fetch(`http://${registry.host}/v2/${path}/tags/list`);
        const { tags } = await response.json();
        return Array.isArray(tags) && tags.length > 0;
      },
      [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
    };
  });
}
