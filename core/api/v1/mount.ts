import type { Hono } from "hono";
import type { ApiContext, ApiEnv, FaceHost } from "../context.ts";
import { httpError } from "../status.ts";
import { createReader } from "./input.ts";
import type { Operation } from "./operation.ts";

/** Routes what operations answer; those with more in their path have to come first. Other methods of their paths get 405. */
export function mountOperations(app: Hono<ApiEnv>, operations: readonly Operation[], host: FaceHost): void {
  const paths = Map.groupBy(operations, ({ path }) => path);
  for (const [path, some] of paths) {
    for (const operation of some) mount(app, operation, host);
    const allow = allowedOf(some);
    app.all(honoPath(path), (c) => {
      throw httpError(405, "INVALID_ARGUMENT", `Cannot answer ${c.req.method} "${c.req.path.slice(0, 200)}"`, {
        detail: { field: "method", value: c.req.method, allow },
        hint: `Send ${allow}`,
      });
    });
  }
}

function mount(app: Hono<ApiEnv>, operation: Operation, host: FaceHost): void {
  const read = createReader(operation);
  app.on(operation.method.toUpperCase(), honoPath(operation.path), async (c) => {
    if (operation.changes && host.isReadonly) throw readonly(c);
    const input = await read(c);
    const response = await operation.run({ ...input, c, call: host.callOf(c) });
    if (c.req.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  });
}

/** The path as Hono has it. A name may have slashes in it, be they encoded or not. */
function honoPath(path: string): string {
  return path.replace("{name}", ":name{[\\s\\S]+}").replace("{id}", ":id");
}

function allowedOf(operations: readonly Operation[]): string {
  const methods = operations.map(({ method }) => method.toUpperCase());
  return [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])].join(", ");
}

function readonly(c: ApiContext): Error {
  return httpError(
    403,
    "DENIED",
    `Cannot answer ${c.req.method} "${c.req.path.slice(0, 200)}": this server only gives`,
    {
      hint: "Start strata serve without --readonly",
    },
  );
}
