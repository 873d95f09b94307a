import { transportConformance } from "../../tests/conformance/transport.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import transportArchive from "./mod.ts";

for (const scheme of ["docker-archive", "oci-archive", "oci", "dir"]) {
  transportConformance(scheme, async () => {
    const plugin = await transportArchive(createTestHost());
    const hook = plugin.transport?.find(({ schemes }) => schemes.includes(scheme));
    if (hook === undefined) throw new TypeError(`Cannot test "${scheme}": no hook`);
    const folder = await Deno.makeTempDir();
    let count = 0;
    return {
      hook,
      holdsOne: scheme === "dir",
      listsUnnamed: true,
      name: (text) => `docker.io/${text}`,
      address: () => `${folder}/${count++}`,
      exists: async () => (await Array.fromAsync(Deno.readDir(folder))).length > 0,
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
  });
}
