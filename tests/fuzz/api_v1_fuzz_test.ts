/** Requests that are made of the OpenAPI document's schemas, fired at every route of strata's own API. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createApi } from "../../core/api/mod.ts";
import { putImage } from "../helpers/image_fixture.ts";
import { type DocumentedRoute, readOpenApi } from "../helpers/openapi_client.ts";
import { createTempEngine, type TempEngine, testCall } from "../helpers/temp_engine.ts";

const seed = 20_261_126;
const numRuns = 60;
const call = testCall();

/** Images that requests can mean. */
async function fill(engine: TempEngine): Promise<readonly string[]> {
  const layers = [{ "etc/a": "one", "etc/b": "two" }, { "etc/a": "other", "etc/b": null }];
  const { id } = await putImage(engine.store, { layers, names: ["app", "team/app:1"], gzip: true }, call);
  const other = await putImage(engine.store, { layers: [{ a: "a" }], names: ["other:2"] }, call);
  const dangling = await putImage(engine.store, { layers: [{ b: "b" }] }, call);
  return ["app", "team/app:1", "other:2", id, id.slice(7, 19), other.descriptor.digest, dangling.id];
}

Deno.test("strata's own API answers requests that are made of its schemas as its document says, and never with 500", async (t) => {
  // Nobody listens there: no request leaves this machine.
  const proxy = { http: "http://127.0.0.1:9", https: "http://127.0.0.1:9", none: [] };
  await using engine = await createTempEngine({ config: { proxy } });
  const jobs = new Set<Promise<void>>();
  const stop = new AbortController();
  const contextRoots = [engine.directory];
  const app = createApi(engine, { contextRoots, onWork: (job) => void jobs.add(job), signal: stop.signal });
  await Deno.writeTextFile(`${engine.directory}/Dockerfile`, "FROM scratch\nCOPY Dockerfile /\n");
  const client = readOpenApi(await (await app.request("/v1/openapi.json")).json());
  const ids: string[] = [];
  const counts = { valid: 0, invalid: 0 };

  async function ask(route: DocumentedRoute, path: string, init: RequestInit, isValid: boolean): Promise<void> {
    if (route.method === "DELETE" || route.id.startsWith("prune")) await fill(engine);
    const response = await app.request(path, init);
    const { status } = response;
    const shown = `${route.method} ${path} ${init.body ?? ""}`;
    const body = Object(await client.check(route, response));
    assert(status !== 500, `${shown}: ${JSON.stringify(body)}`);
    if (isValid) assertEquals(body.facts?.problems, undefined, `the document takes it: ${shown}`);
    else assertEquals(status, 400, `the document does not take it: ${shown}`);
    counts[isValid ? "valid" : "invalid"]++;
    if (status !== 202) return;
    ids.push(body.id);
    // What it asks of other hosts is not waited for.
    const canceled = await app.request(`${response.headers.get("location")}/cancel`, { method: "POST" });
    const id = route.id.replace("start", "cancel");
    await client.check(client.routes.find((each) => each.id === id) ?? route, canceled);
  }

  const pools = {
    name: await fill(engine),
    to: ["app", "other:2"],
    path: ["/", "/etc/a", "etc", "/a"],
    layer: ["0", "1"],
  };
  // Those that start something come first, so that there is something to look at.
  const routes = client.routes.toSorted((a, b) => Number(b.id.startsWith("start")) - Number(a.id.startsWith("start")));
  for (const route of routes) {
    await t.step(`${route.method} ${route.path}`, async () => {
      const requests = client.requestsOf(route, { ...pools, id: ids.slice(0, 20) });
      const property = fc.asyncProperty(requests, ({ path, init, isValid }) => ask(route, path, init, isValid));
      await fc.assert(property, { seed, numRuns });
    });
  }
  stop.abort();
  await Promise.all(jobs);
  assert(counts.valid > 500 && counts.invalid > 300, `too few of one kind: ${JSON.stringify(counts)}`);
});

Deno.test("strata's own API tells of every status that it gives to methods and bodies that a route does not have", async () => {
  await using engine = await createTempEngine();
  const app = createApi(engine);
  const client = readOpenApi(await (await app.request("/v1/openapi.json")).json());
  for (const route of client.routes) {
    const path = route.path.replace("{name}", "app").replace("{id}", "x");
    const patched = await app.request(path, { method: "PATCH" });
    assertEquals(patched.status, 405, path);
    assert(patched.headers.get("allow")?.includes(route.method), path);
    await client.check(route, patched);
    if (route.body === undefined) continue;
    const typeless = await app.request(path, {
      method: route.method,
      body: new Uint8Array(1),
      headers: { "content-type": "x/y" },
    });
    assertEquals(typeless.status, 415, path);
    await client.check(route, typeless);
    const body = JSON.stringify({ pad: "x".repeat(11 * 1024 * 1024) });
    const large = await app.request(path, {
      method: route.method,
      body,
      headers: { "content-type": "application/json" },
    });
    assertEquals(large.status, 413, path);
    await client.check(route, large);
  }
});
