import { Hono } from "hono";
import type { ApiContext, ApiEnv } from "../context.ts";

/** First parts of paths of the Engine API that are answered with 501, and what they are about. */
const unsupported: Readonly<Record<string, string>> = {
  commit: "containers are",
  configs: "swarms are",
  containers: "containers are",
  exec: "containers are",
  grpc: "BuildKit is",
  networks: "networks are",
  nodes: "swarms are",
  plugins: "plugins of docker are",
  secrets: "swarms are",
  services: "swarms are",
  session: "BuildKit is",
  swarm: "swarms are",
  tasks: "swarms are",
  volumes: "volumes are",
};

/** Everything that strata has nothing of: it makes and moves images and runs no containers. */
export function unsupportedRoutes(): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  for (const [name, what] of Object.entries(unsupported)) {
    // The words "not supported" have clients ask for an image of that name.
    const advice = name === "session" || name === "grpc" ? "; set DOCKER_BUILDKIT=0" : "";
    const message = `${what} not supported: strata builds, keeps and moves images${advice}`;
    // An answer and no error: there is nothing that whoever runs the server could put right.
    const refuse = (c: ApiContext): Response => c.json({ message }, 501);
    app.all(`/${name}`, refuse).all(`/${name}/*`, refuse);
  }
  const message = "searching registries is not supported: strata builds, keeps and moves images";
  return app.get("/images/search", (c) => c.json({ message }, 501));
}
