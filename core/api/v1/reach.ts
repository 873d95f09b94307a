import type { Engine } from "../../engine.ts";
import { registryScheme } from "../../image/registry.ts";
import { httpError } from "../status.ts";

/**
 * The engine as far as clients reach through it: its store, and registries. Addresses of files of this host, such as `oci:PATH` and
 * `docker-archive:PATH`, and of other daemons reject `DENIED`: who may use the API need not be who may read and write them.
 */
export function narrowEngine(engine: Engine): Engine {
  const transport: Engine["host"]["transport"] = async (scheme) => {
    // One that there is not is no address at all, but a name of the store.
    const hook = await engine.host.transport(scheme);
    if (scheme === registryScheme) return hook;
    throw httpError(
      403,
      "DENIED",
      `Cannot reach "${scheme}:…" over the API: expected an image of the store or a registry`,
      {
        detail: { scheme, known: ["store", registryScheme] },
        hint: "Use the strata command on the server's host",
      },
    );
  };
  return { ...engine, host: { ...engine.host, transport } };
}
