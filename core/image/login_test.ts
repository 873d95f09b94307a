import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { createMemoryRegistry } from "../../tests/helpers/memory_registry.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { loginRegistry, logoutRegistry, readLoginHost } from "./login.ts";

const call = testCall();

Deno.test("readLoginHost() takes what people call a registry", () => {
  const texts = [
    undefined,
    "",
    "https://index.docker.io/v1/",
    "registry.example.com",
    "http://a.b:5000/v2/",
    "a.b/team",
  ];
  assertEquals(texts.map(readLoginHost), [
    "docker.io",
    "docker.io",
    "docker.io",
    "registry.example.com",
    "a.b:5000",
    "a.b",
  ]);
});

Deno.test("loginRegistry() keeps what the registry takes, and nothing else; logoutRegistry() forgets it", async () => {
  const registry = createMemoryRegistry();
  registry.login = { username: "ann", secret: "right" };
  await using engine = await createTempEngine({ plugins: registry.plugins });
  const host = "login.test";
  const wrong = { username: "ann", secret: "wrong" };
  const error = await assertRejects(() => loginRegistry(engine, { host, credential: wrong }, call), EngineError);
  assertEquals([error.code, await engine.logins.find(host, call)], ["UNAUTHORIZED", undefined]);
  assertEquals(await loginRegistry(engine, { host }, call), undefined);
  const result = await loginRegistry(engine, { host, credential: registry.login }, call);
  assertEquals(result?.storedIn, { file: `${engine.config.dockerConfig}/config.json` });
  assertEquals(await engine.logins.find(`${host}/team/app`, call), registry.login);
  assertEquals(await loginRegistry(engine, { host }, call), result);
  assertEquals([await logoutRegistry(engine, { host }, call), await logoutRegistry(engine, { host }, call)], [
    true,
    false,
  ]);
});
