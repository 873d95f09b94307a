import { Hono } from "hono";
import { hostRegistry } from "../../image/hosted_registry.ts";
import type { ApiEnv, Face, FaceHost } from "../context.ts";
import { blobRoutes } from "./blob_routes.ts";
import { registryError, showRegistryError } from "./error.ts";
import { listRoutes } from "./list_routes.ts";
import { manifestRoutes } from "./manifest_routes.ts";
import type { RegistryHost } from "./request.ts";
import { uploadRoutes } from "./upload_routes.ts";

/** How often what nobody goes on with is looked for, in milliseconds. */
const sweepMs = 10 * 60 * 1000;

/** A registry by the OCI distribution-spec 1.1, whose repositories are the images of the store. */
export const registryFace: Face = {
  name: "registry",
  owns: (path) => path === "/v2" || path.startsWith("/v2/"),
  routes: (host: FaceHost): Hono<ApiEnv> => {
    const registry = hostRegistry(host.engine);
    const registryHost: RegistryHost = { ...host, registry };
    if (!host.isReadonly) sweepUntilStopped(registryHost);
    const app = new Hono<ApiEnv>();
    app.use("/v2/*", async (c, next) => {
      if (host.isReadonly && !["GET", "HEAD"].includes(c.req.method)) {
        throw registryError(405, "UNSUPPORTED", "Cannot change anything: this registry is read-only");
      }
      await next();
      if (!c.res.headers.has("Docker-Distribution-Api-Version")) {
        c.header("Docker-Distribution-Api-Version", "registry/2.0");
      }
    });
    app.get("/v2/", (c) => c.json({}));
    app.get("/v2", (c) => c.json({}));
    for (const routes of [uploadRoutes, blobRoutes, manifestRoutes, listRoutes]) app.route("/", routes(registryHost));
    return app;
  },
  showError: showRegistryError,
};

/** Sweeps now and then, and drops open uploads at the end. */
function sweepUntilStopped({ registry, signal }: RegistryHost): void {
  const timer = setInterval(() => {
    // What cannot be swept now is swept the next time.
    void registry.sweep({ signal, emit: () => {} }).catch(() => {});
  }, sweepMs);
  Deno.unrefTimer(timer);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    void registry.close();
  }, { once: true });
}
