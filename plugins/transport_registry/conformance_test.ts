import { transportConformance } from "../../tests/conformance/transport.ts";
import { registryHook } from "../../tests/helpers/registry_fixture.ts";
import type { RegistryBehaviour } from "../../tests/helpers/registry_handler.ts";
import { startRegistryServer } from "../../tests/helpers/registry_server.ts";

/** Registries that differ in what they know and tell. */
const registries: Readonly<Record<string, Partial<RegistryBehaviour>>> = {
  "registry": {},
  "registry that tells little": { head: false, digestHeader: false, referrers: false, mounts: false, pageSize: 1 },
  "registry that takes parts": { minChunkBytes: 3, maxBodyBytes: 4, rangePrefix: "bytes=", absoluteLocations: true },
};

for (const [name, behaviour] of Object.entries(registries)) {
  transportConformance(name, async () => {
    const server = startRegistryServer({ behaviour });
    let count = 0;
    const chunkBytes = behaviour.maxBodyBytes;
    return {
      hook: await registryHook(chunkBytes === undefined ? {} : { registries: { [server.host]: { chunkBytes } } }),
      holdsOne: false,
      listsUnnamed: false,
      name: (text) => text.replace(/[/:]/g, "-"),
      address: () => `${server.host}/team/image${count++}`,
      exists: (address) => {
        const repository = address.slice(address.indexOf("/") + 1);
        return Promise.resolve((server.content.repositories.get(repository)?.tags.size ?? 0) > 0);
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
}
