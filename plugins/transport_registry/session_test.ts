import { assert, assertEquals } from "@std/assert";
import { failureOf, pushImage, readContent, resolveName, seedImage } from "../../tests/helpers/registry_actions.ts";
import { answerWith, withHeaders } from "../../tests/helpers/registry_fault.ts";
import { makeImage, quietCall as call, registryHook } from "../../tests/helpers/registry_fixture.ts";
import type { RegistryLogin } from "../../tests/helpers/registry_login.ts";
import { type RegistryServer, startRegistryServer } from "../../tests/helpers/registry_server.ts";

const image = await makeImage("secured");
const users = { ann: "pass:word" };
const ann = { username: "ann", secret: "pass:word" };
const bearer: RegistryLogin = { type: "bearer", users, isPublic: true, identities: { "identity-token": "ann" } };

async function start(login: RegistryLogin): Promise<RegistryServer> {
  const server = startRegistryServer({ login });
  await seedImage(server, "team/app", image, "v1");
  return server;
}

function tokens(server: RegistryServer): string[] {
  return server.requests.filter(({ path }) => path === "/token").map(({ method, query }) =>
    `${method} ${decodeURIComponent(query)}`
  );
}

Deno.test("a public repository is read with an anonymous token, got once for all requests", async () => {
  await using server = await start(bearer);
  const hook = await registryHook();
  const address = `${server.host}/team/app`;
  await resolveName(hook, address, "v1");
  for (const { descriptor, bytes } of image.blobs) {
    assertEquals(await readContent(hook, { address, descriptor }), bytes);
  }
  assertEquals(tokens(server), ["GET ?service=test-registry&scope=repository:team/app:pull"]);
  assertEquals(server.lines().slice(0, 3), ["GET /v2/", "GET /token", "HEAD /v2/team/app/manifests/v1"]);
});

Deno.test("a token server is given the login by Basic, and the account", async () => {
  await using server = await start({ ...bearer, isPublic: false });
  const hook = await registryHook({}, { [server.host]: ann });
  await pushImage(hook, { address: `${server.host}/team/new`, image, tags: ["v1"] });
  assertEquals(tokens(server), ["GET ?service=test-registry&scope=repository:team/new:pull,push&account=ann"]);
  const { headers } = server.requests.find(({ path }) => path === "/token") ?? { headers: new Headers() };
  assertEquals(headers.get("authorization"), `Basic ${btoa("ann:pass:word")}`);
});

Deno.test("logins of a repository come before those of its host", async () => {
  await using server = await start({ type: "basic", users });
  const logins = { [server.host]: { username: "no", secret: "body" }, [`${server.host}/team/app`]: ann };
  assert(await resolveName(await registryHook({}, logins), `${server.host}/team/app`, "v1"));
});

Deno.test("Basic is used where it is asked for, and once it is known from the first request on", async () => {
  await using server = await start({ type: "basic", users });
  const hook = await registryHook({}, { [server.host]: ann });
  await resolveName(hook, `${server.host}/team/app`, "v1");
  assertEquals(server.requests.map(({ status }) => status), [401, 200]);
  await pushImage(hook, { address: `${server.host}/team/app`, image: await makeImage("basic"), tags: ["v2"] });
  assertEquals(server.requests.filter(({ status }) => status === 401).length, 1);
});

Deno.test("an identity token is exchanged by POST, and by GET where the server knows no POST", async () => {
  const identity = { username: "", secret: "identity-token" };
  await using server = await start({ ...bearer, isPublic: false });
  for (const username of ["", "<token>"]) {
    const hook = await registryHook({}, { [server.host]: { ...identity, username } });
    assert(await resolveName(hook, `${server.host}/team/app`, "v1"));
  }
  assertEquals(tokens(server), ["POST ", "POST "]);
  assertEquals(server.requests.some(({ query }) => query.includes("identity-token")), false);
  await using old = await start({
    ...bearer,
    isPublic: false,
    methods: ["GET"],
    users: { "<token>": "identity-token" },
  });
  assert(await resolveName(await registryHook({}, { [old.host]: identity }), `${old.host}/team/app`, "v1"));
  assertEquals(tokens(old).map((line) => line.split(" ")[0]), ["POST", "GET"]);
});

Deno.test("a password is sent by POST where the token server knows no GET", async () => {
  await using server = await start({ ...bearer, isPublic: false, methods: ["POST"] });
  assert(await resolveName(await registryHook({}, { [server.host]: ann }), `${server.host}/team/app`, "v1"));
  assertEquals(tokens(server).map((line) => line.split(" ")[0]), ["GET", "POST"]);
});

Deno.test("a token that is used up or revoked is replaced once", async () => {
  await using server = await start({ ...bearer, uses: 2 });
  const [hook, address] = [await registryHook(), `${server.host}/team/app`];
  for (let at = 0; at < 7; at++) assert(await resolveName(hook, address, "v1"));
  assertEquals(tokens(server).length, 4);
  await using useless = await start({ ...bearer, uses: 0 });
  const error = await failureOf(() => resolveName(hook, `${useless.host}/team/app`, "v1"));
  assertEquals([error.code, tokens(useless).length], ["UNAUTHORIZED", 1]);
});

Deno.test("a token that has run out is replaced before it is used", async () => {
  await using server = await start(bearer);
  const token = answerWith(200, {}, JSON.stringify({ token: "x", expires_in: 0.5 }));
  server.inject({ path: /^\/token$/ }, token);
  const [hook, address] = [await registryHook(), `${server.host}/team/app`];
  assertEquals((await failureOf(() => resolveName(hook, address, "v1"))).code, "UNAUTHORIZED");
  assert(await resolveName(hook, address, "v1"));
});

Deno.test("scopes that turn out to be needed are asked for, and from then on at once", async () => {
  await using server = await start({ ...bearer, isPublic: false });
  const hook = await registryHook({}, { [server.host]: ann });
  const address = `${server.host}/team/app`;
  const wider =
    `Bearer realm="${server.origin}/token",service="test-registry",scope="repository:team/app:pull repository:x/y:pull"`;
  server.inject({ path: /manifests/ }, answerWith(401, { "www-authenticate": wider }));
  assert(await resolveName(hook, address, "v1"));
  assert(await resolveName(hook, address, "v1"));
  assertEquals(tokens(server).map((line) => line.includes("x/y")), [false, true]);
});

Deno.test("mount() asks for both repositories, the needed one first", async () => {
  await using server = await start({ ...bearer, isPublic: false });
  await using sink = await (await registryHook({}, { [server.host]: ann })).sink(`${server.host}/team/new`, call);
  assertEquals(await sink.mount(image.layer.descriptor, `${server.host}/team/app`, call), true);
  assertEquals(
    tokens(server).at(-1),
    "GET ?service=test-registry&scope=repository:team/new:pull,push&scope=repository:team/app:pull&account=ann",
  );
});

Deno.test("parallel requests share one token", async () => {
  await using server = await start(bearer);
  const hook = await registryHook();
  await using source = await hook.source(`${server.host}/team/app`, call);
  await Promise.all(Array.from({ length: 9 }, () => source.resolve("v1", call)));
  assertEquals([tokens(server).length, server.requests.filter(({ path }) => path === "/v2/").length], [1, 1]);
});

Deno.test("who gives up while a token is got does not make others fail", async () => {
  await using server = await start(bearer);
  const controller = new AbortController();
  const seen = Promise.withResolvers<void>();
  server.inject({ path: /^\/token$/ }, async (request, next) => {
    seen.resolve();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return await next(request);
  });
  await using source = await (await registryHook()).source(`${server.host}/team/app`, call);
  const first = failureOf(() => source.resolve("v1", { ...call, signal: controller.signal }));
  await seen.promise;
  const second = source.resolve("v1", call);
  controller.abort();
  assertEquals((await first).code, "CANCELED");
  assert(await second);
});

Deno.test("a wrong login rejects UNAUTHORIZED without showing it, and says what to do", async () => {
  const wrong = { username: "ann", secret: "hunter2-secret" };
  for (const login of [bearer, { type: "basic", users } as const]) {
    await using server = await start(login);
    const hook = await registryHook({}, { [server.host]: wrong });
    const error = await failureOf(() => resolveName(hook, `${server.host}/team/app`, "v1"));
    assertEquals([error.code, error.hint], ["UNAUTHORIZED", `Log in with strata login ${server.host}`]);
    assertEquals(JSON.stringify([error.message, error.detail, String(error.cause)]).includes("hunter2"), false);
  }
});

Deno.test("a missing login rejects UNAUTHORIZED, a login without rights DENIED", async () => {
  for (const login of [{ ...bearer, isPublic: false }, { type: "basic", users } as const]) {
    await using server = await start(login);
    const error = await failureOf(async () => await resolveName(await registryHook(), `${server.host}/team/app`, "v1"));
    assertEquals(error.code, "UNAUTHORIZED");
    assert(error.message.includes("without a login"), error.message);
  }
  await using server = await start(bearer);
  const body = JSON.stringify({ errors: [{ code: "DENIED", message: "requested access to the resource is denied" }] });
  server.inject({ path: /manifests/ }, answerWith(403, {}, body));
  const error = await failureOf(async () => await resolveName(await registryHook(), `${server.host}/team/app`, "v1"));
  assertEquals([error.code, error.detail.status], ["DENIED", 403]);
});

Deno.test("a login that is not asked for is not sent", async () => {
  await using server = startRegistryServer();
  await seedImage(server, "team/app", image, "v1");
  let asked = 0;
  const hook = await registryHook({}, {
    get [server.host]() {
      asked++;
      return ann;
    },
  });
  await resolveName(hook, `${server.host}/team/app`, "v1");
  assertEquals([asked, server.requests.some(({ headers }) => headers.has("authorization"))], [0, false]);
});

Deno.test("several challenges are understood, and those that are not reject UNSUPPORTED", async () => {
  await using server = await start({ type: "basic", users });
  const [hook, address] = [await registryHook({}, { [server.host]: ann }), `${server.host}/team/app`];
  server.inject({ path: /^\/v2\/$/ }, withHeaders({ "www-authenticate": 'Negotiate, NTLM, BASIC realm="x"' }));
  assert(await resolveName(hook, address, "v1"));
  await using other = await start({ type: "basic", users });
  other.inject({ times: 9 }, withHeaders({ "www-authenticate": 'Negotiate, Digest realm="x"' }));
  const error = await failureOf(() => resolveName(hook, `${other.host}/team/app`, "v1"));
  assertEquals(error.code, "UNSUPPORTED");
  assert(error.message.includes("digest, negotiate"), error.message);
});

Deno.test("a 401 without a challenge is taken for Basic", async () => {
  await using server = await start({ type: "basic", users });
  server.inject({ path: /^\/v2\/$/ }, withHeaders({ "www-authenticate": undefined }));
  assert(await resolveName(await registryHook({}, { [server.host]: ann }), `${server.host}/team/app`, "v1"));
});

Deno.test("a token server elsewhere is followed only where that is safe", async () => {
  await using server = await start(bearer);
  const hook = await registryHook();
  for (const realm of ["file:///etc/passwd", "ftp://x/", "", "gopher://127.0.0.1/"]) {
    server.inject({ path: /^\/v2\/$/ }, withHeaders({ "www-authenticate": `Bearer realm="${realm}"` }));
    const error = await failureOf(async () => await resolveName(await registryHook(), `${server.host}/team/app`, "v1"));
    assertEquals(error.code, realm === "" ? "UNAUTHORIZED" : "REMOTE_FAILED", realm);
  }
  assert(await resolveName(hook, `${server.host}/team/app`, "v1"));
});

Deno.test("a login is not given for what another host asks", async () => {
  await using thief = startRegistryServer({ login: { type: "basic", users } });
  await using server = startRegistryServer();
  server.inject({ times: 9 }, answerWith(307, { location: `${thief.origin}/v2/` }));
  const hook = await registryHook({}, { [server.host]: ann });
  assertEquals((await failureOf(() => resolveName(hook, `${server.host}/team/app`, "v1"))).code, "UNAUTHORIZED");
  const all = [...thief.requests, ...server.requests];
  assertEquals(all.some(({ headers }) => headers.has("authorization")), false);
});

Deno.test("a revoked token is replaced once for all requests that it was refused", async () => {
  await using server = await start(bearer);
  await using source = await (await registryHook()).source(`${server.host}/team/app`, call);
  await source.resolve("v1", call);
  const challenge = `Bearer realm="${server.origin}/token",service="test-registry",error="invalid_token"`;
  server.inject({ method: "HEAD", times: 5 }, answerWith(401, { "www-authenticate": challenge }));
  await Promise.all([1, 2, 3, 4, 5].map(() => source.resolve("v1", call)));
  assertEquals(tokens(server).length, 2);
});

Deno.test("a login in a request body goes to no other host", async () => {
  await using thief = startRegistryServer();
  await using server = await start({ ...bearer, isPublic: false });
  server.inject({ path: /^\/token$/ }, answerWith(307, { location: `${thief.origin}/token` }));
  const hook = await registryHook({}, { [server.host]: { username: "", secret: "identity-token" } });
  assertEquals((await failureOf(() => resolveName(hook, `${server.host}/team/app`, "v1"))).code, "REMOTE_FAILED");
  assertEquals(thief.requests.length, 0);
});

Deno.test("a token server that gives no token, or one that no header can hold, rejects REMOTE_FAILED", async () => {
  const answers = [
    "{}",
    "no json",
    '{"token":""}',
    '{"token":5}',
    '{"token":"a\\nb"}',
    "[]",
    "x".repeat(1024 * 1024 + 1),
  ];
  for (const body of answers) {
    await using server = await start(bearer);
    server.inject({ path: /^\/token$/, times: 9 }, answerWith(200, {}, body));
    const error = await failureOf(async () => await resolveName(await registryHook(), `${server.host}/team/app`, "v1"));
    assertEquals(error.code, "REMOTE_FAILED", body.slice(0, 20));
  }
});

Deno.test("a token server is asked again for passing errors", async () => {
  await using server = await start(bearer);
  server.inject({ path: /^\/token$/, times: 2 }, answerWith(503));
  assert(await resolveName(await registryHook(), `${server.host}/team/app`, "v1"));
});

Deno.test("a token by either name is taken, the older one first", async () => {
  await using server = await start(bearer);
  const [hook, address] = [await registryHook(), `${server.host}/team/app`];
  server.inject({ path: /^\/token$/ }, answerWith(200, {}, JSON.stringify({ token: "first", access_token: "second" })));
  server.inject(
    { path: /manifests/ },
    (request) =>
      new Response(null, { status: 404, headers: { "x-token": request.headers.get("authorization") ?? "" } }),
  );
  await failureOf(() => resolveName(hook, address, "v1")).catch(() => {});
  const used = server.requests.filter(({ path }) => path.includes("manifests")).map(({ headers }) =>
    headers.get("authorization")
  );
  assertEquals(used[0], "Bearer first");
});

Deno.test("login() checks with the registry, and gives the token to keep where there is one", async () => {
  await using server = await start({ ...bearer, isPublic: false });
  const hook = await registryHook();
  assertEquals(await hook.login(server.host, ann, call), { username: "", secret: "identity-token" });
  await using plain = await start({ ...bearer, isPublic: false, identities: {} });
  assertEquals(await hook.login(plain.host, ann, call), ann);
  await using basic = await start({ type: "basic", users });
  assertEquals(await hook.login(basic.host, ann, call), ann);
  await using open = startRegistryServer();
  assertEquals(await hook.login(open.host, ann, call), ann);
});

Deno.test("login() rejects UNAUTHORIZED for a wrong one, and nothing of it stays", async () => {
  const wrong = { username: "ann", secret: "wrong" };
  for (const login of [{ ...bearer, isPublic: false }, { type: "basic", users } as const]) {
    await using server = await start(login);
    const hook = await registryHook({}, { [server.host]: ann });
    const error = await failureOf(() => hook.login(server.host, wrong, call));
    assertEquals([error.code, error.hint], ["UNAUTHORIZED", `Log in with strata login ${server.host}`]);
    assert(await resolveName(hook, `${server.host}/team/app`, "v1"));
  }
});
