import { Hono } from "hono";
import { strataVersion } from "../../image/strata_version.ts";
import type { ApiContext, ApiEnv, Face, FaceHost } from "../context.ts";
import { archiveRoutes } from "./archive_routes.ts";
import { buildRoutes } from "./build_routes.ts";
import { showDockerError } from "./error.ts";
import { EventLog } from "./event_log.ts";
import { eventRoutes } from "./event_routes.ts";
import { type DockerHost, versionText } from "./host.ts";
import { imageRoutes } from "./image_routes.ts";
import { systemRoutes } from "./system_routes.ts";
import { transferRoutes } from "./transfer_routes.ts";
import { unsupportedRoutes } from "./unsupported_routes.ts";
import { maxApiVersion, readApiVersion } from "./version.ts";

/** Docker's Engine API for images, with and without a version in the path. */
export const dockerFace: Face = {
  name: "docker",
  // Whatever the other faces leave: clients show the errors of this one.
  owns: () => true,
  routes: (host: FaceHost): Hono<ApiEnv> => {
    const routes = createRoutes({ ...host, events: new EventLog(host.engine.clock), builds: new Map() });
    return new Hono<ApiEnv>().route("/", routes).route("/:version{v[0-9]+\\.[0-9]+}", routes);
  },
  showError: (error, c) => {
    const answer = showDockerError(error, c);
    for (const [name, value] of Object.entries(commonHeaders)) answer.headers.set(name, value);
    return answer;
  },
};

const commonHeaders: Readonly<Record<string, string>> = {
  "Api-Version": maxApiVersion,
  "Docker-Experimental": "false",
  // What commands in images run on, also where strata itself is on something else.
  Ostype: "linux",
  Server: `strata/${strataVersion}`,
};

function createRoutes(host: DockerHost): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const groups = [
    systemRoutes(host),
    unsupportedRoutes(),
    eventRoutes(host),
    buildRoutes(host),
    transferRoutes(host),
    archiveRoutes(host),
    imageRoutes(host),
  ];
  const common = async (c: ApiContext, next: () => Promise<void>): Promise<void> => {
    readApiVersion(versionText(c));
    await next();
    for (const [name, value] of Object.entries(commonHeaders)) c.header(name, value);
  };
  // On the routes themselves, so that paths of other faces do not get it.
  for (const group of groups) {
    for (const { method, path, handler } of group.routes) app.on(method, path, common, handler);
  }
  return app;
}
