import { Hono } from "hono";
import type { ApiEnv, Face, FaceHost } from "../context.ts";
import { showRegistryError } from "./error.ts";

/** A registry by the OCI distribution-spec 1.1, whose repositories are the images of the store. */
export const registryFace: Face = {
  name: "registry",
  owns: (path) => path === "/v2" || path.startsWith("/v2/"),
  routes: (_host: FaceHost): Hono<ApiEnv> => {
    const app = new Hono<ApiEnv>();
    app.use(async (c, next) => {
      await next();
      c.header("Docker-Distribution-Api-Version", "registry/2.0");
    });
    app.get("/v2/", (c) => c.json({}));
    app.get("/v2", (c) => c.json({}));
    return app;
  },
  showError: showRegistryError,
};
