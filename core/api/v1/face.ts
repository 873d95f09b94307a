import { Hono } from "hono";
import { strataVersion } from "../../image/strata_version.ts";
import type { ApiEnv, Face, FaceHost } from "../context.ts";
import { buildOperations } from "./build_routes.ts";
import { renderDocs } from "./docs_page.ts";
import { fileOperations } from "./file_routes.ts";
import { imageOperations, wholeImageOperations } from "./image_routes.ts";
import { mountOperations } from "./mount.ts";
import { createDocument } from "./openapi.ts";
import { type Operation, operation } from "./operation.ts";
import { showProblem } from "./problem.ts";
import { cacheOperations, systemOperations } from "./store_routes.ts";
import { transferOperations } from "./transfer_routes.ts";

/** strata's own API. */
export const strataFace: Face = {
  name: "strata",
  owns: (path) => path === "/v1" || path.startsWith("/v1/"),
  routes(host): Hono<ApiEnv> {
    const app = new Hono<ApiEnv>();
    mountOperations(app, operationsOf(host), host);
    return app;
  },
  showError: showProblem,
};

/** Every route, those with more in their path before those whose names may take it. */
export function operationsOf(host: FaceHost): readonly Operation[] {
  const operations: Operation[] = [
    ...imageOperations(host),
    ...fileOperations(host),
    ...wholeImageOperations(host),
    ...buildOperations(host),
    ...transferOperations(host),
    ...cacheOperations(host),
    ...systemOperations(host),
  ];
  return [...operations, ...documentOperations(operations)];
}

/** The document and the page that tell of the others, and of themselves. */
function documentOperations(others: readonly Operation[]): readonly Operation[] {
  const made: { json?: string; html?: string } = {};
  const document = (): ReturnType<typeof createDocument> => createDocument([...others, ...own], strataVersion);
  const own = [
    operation({
      id: "openapi",
      group: "system",
      method: "get",
      path: "/v1/openapi.json",
      summary: "Gives this API as an OpenAPI document",
      answers: { 200: { description: "OpenAPI 3.1", content: { "application/json": "document" } } },
      fails: [],
      changes: false,
      run(): Promise<Response> {
        made.json ??= JSON.stringify(document());
        return Promise.resolve(new Response(made.json, { headers: { "Content-Type": "application/json" } }));
      },
    }),
    operation({
      id: "docs",
      group: "system",
      method: "get",
      path: "/v1/docs",
      summary: "Gives this API as a page to read",
      answers: { 200: { description: "The page, which loads nothing", content: { "text/html": "text" } } },
      fails: [],
      changes: false,
      run(): Promise<Response> {
        made.html ??= renderDocs(document());
        return Promise.resolve(new Response(made.html, { headers: pageHeaders }));
      },
    }),
  ];
  return own;
}

const pageHeaders = {
  "Content-Type": "text/html; charset=UTF-8",
  "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
};
