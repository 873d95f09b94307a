import { createKit } from "../../core/kit.ts";
import { transportConformance } from "../../tests/conformance/transport.ts";
import transportArchive from "./mod.ts";

for (const scheme of ["docker-archive", "oci-archive", "oci", "dir"]) {
  transportConformance(scheme, async () => {
    const kit = createKit();
    const plugin = await transportArchive({ kit, config: {}, credential: () => Promise.resolve(undefined) });
    const hook = plugin.transport?.find(({ schemes }) => schemes.includes(scheme));
    if (hook === undefined) throw kit.error("INTERNAL", `Cannot test "${scheme}": no hook`);
    const folder = await Deno.makeTempDir();
    let count = 0;
    return {
      hook,
      holdsOne: scheme === "dir",
      address: () => `${folder}/${count++}`,
      exists: async () => (await Array.fromAsync(Deno.readDir(folder))).length > 0,
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
  });
}
