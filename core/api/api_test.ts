import { assertEquals, assertStringIncludes } from "@std/assert";
import { createTempEngine } from "../../tests/helpers/temp_engine.ts";
import { createApi } from "./api.ts";

async function statusOf(response: Response | Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

Deno.test("createApi() answers with the faces that are asked for, each with its own errors", async () => {
  await using engine = await createTempEngine();
  const app = createApi(engine);
  assertEquals(await statusOf(app.request("/v2/")), 200);
  const unknown = await app.request("/v2/a/b");
  assertEquals(unknown.status, 404);
  assertEquals((await unknown.json()).errors[0].code, "NAME_UNKNOWN");
  const none = createApi(engine, { faces: [] });
  const nobodys = await none.request("/v2/");
  assertEquals(nobodys.status, 404);
  assertEquals((await nobodys.json()).code, "NOT_FOUND");
});

Deno.test("createApi() lets requests of a client wait in line and refuses those that find it full", async () => {
  await using engine = await createTempEngine();
  const app = createApi(engine, { parallel: { working: 1, waiting: 1 } });
  const first = Promise.withResolvers<void>();
  const ask = (client: string, completed: Promise<void>): Promise<Response> =>
    Promise.resolve(app.request("/v2/", {}, { client, completed }));
  const held = await ask("a", first.promise);
  const waiting = ask("a", Promise.resolve());
  const refused = await ask("a", Promise.resolve());
  assertEquals([held.status, refused.status], [200, 429]);
  assertStringIncludes(await refused.text(), "TOOMANYREQUESTS");
  assertEquals(await statusOf(ask("b", Promise.resolve())), 200);
  first.resolve();
  assertEquals(await statusOf(waiting), 200);
  assertEquals(await statusOf(ask("a", Promise.resolve())), 200);
  await held.body?.cancel();
});

Deno.test("createApi() asks for the token before anything else is told", async () => {
  await using engine = await createTempEngine();
  const app = createApi(engine, { token: "secret" });
  const refused = await app.request("/v2/a/b");
  assertEquals([refused.status, refused.headers.get("www-authenticate")], [401, 'Basic realm="strata"']);
  assertStringIncludes(await refused.text(), "UNAUTHORIZED");
  assertEquals(await statusOf(app.request("/v2/", { headers: { authorization: "bearer secret" } })), 200);
});
