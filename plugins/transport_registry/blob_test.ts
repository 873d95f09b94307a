import { assert, assertEquals } from "@std/assert";
import { failureOf, readContent } from "../../tests/helpers/registry_actions.ts";
import { startCuttingProxy } from "../../tests/helpers/cutting_proxy.ts";
import {
  answerWith,
  corruptAt,
  cutAfter,
  endAfter,
  neverAnswer,
  silentAfter,
  withHeaders,
} from "../../tests/helpers/registry_fault.ts";
import { fill, makeBlob, quietCall, registryHook } from "../../tests/helpers/registry_fixture.ts";
import { type Fault, type RegistryServer, startRegistryServer } from "../../tests/helpers/registry_server.ts";

const blob = await makeBlob("application/vnd.oci.image.layer.v1.tar", fill("blob", 300_000));
const { descriptor, bytes } = blob;
const path = /\/blobs\/sha256/;

async function startWithBlob(): Promise<RegistryServer> {
  const server = startRegistryServer();
  await server.content.addBlob("team/app", bytes);
  return server;
}

interface Reading {
  readonly offset?: number;
  readonly config?: Readonly<Record<string, unknown>>;
}

async function read(host: string, { offset, config }: Reading = {}): Promise<Uint8Array> {
  const from = { address: `${host}/team/app`, descriptor, ...(offset === undefined ? {} : { offset }) };
  return await readContent(await registryHook(config), from);
}

/** Ranges that were asked for. */
function ranges(server: RegistryServer): (string | null)[] {
  return server.requests.filter((seen) => path.test(seen.path)).map(({ headers }) => headers.get("range"));
}

Deno.test("open() asks for the bytes as they are stored, without compression on the way", async () => {
  await using server = await startWithBlob();
  assertEquals(await read(server.host), bytes);
  const { headers } = server.requests.at(-1) ?? { headers: new Headers() };
  assertEquals([headers.get("accept-encoding"), headers.get("range")], ["identity", null]);
});

Deno.test("open() does not decode what claims to be encoded", async () => {
  await using server = await startWithBlob();
  server.inject({ path }, withHeaders({ "content-encoding": "gzip" }));
  assertEquals(await read(server.host), bytes);
});

Deno.test("open() goes on where a connection was cut, several times, and the whole verifies", async () => {
  await using server = await startWithBlob();
  for (const after of [0, 100_000, 50_000, 1, 10_000]) server.inject({ path }, cutAfter(after));
  assertEquals(await read(server.host), bytes);
  const asked = ranges(server).map((range) => Number(/\d+/.exec(range ?? "0")?.[0]));
  assertEquals(asked.length, 6);
  assertEquals(asked, [...asked].sort((a, b) => a - b));
  assert((asked.at(-1) ?? 0) > 100_000);
});

Deno.test("open() gives what came before a failure that stays, in chunks that are put together, then the failure", async () => {
  await using server = await startWithBlob();
  server.inject({ path }, cutAfter(200_000));
  server.inject({ path, times: 9 }, answerWith(403));
  await using source = await (await registryHook()).source(`${server.host}/team/app`, quietCall);
  const reader = (await source.open(descriptor, quietCall)).getReader();
  const sizes: number[] = [];
  const failure = await failureOf(async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) sizes.push(next.value.length);
  });
  const size = sizes.reduce((total, each) => total + each, 0);
  assertEquals([failure.code, size > 0, size <= 200_000], ["DENIED", true, true]);
});

Deno.test("open() goes on where the wire itself was cut", async () => {
  await using server = await startWithBlob();
  await using proxy = startCuttingProxy(server.host);
  for (const afterBytes of [120_000, 80_000]) proxy.cut({ direction: "down", afterBytes });
  assertEquals(await read(proxy.host), bytes);
  assert(ranges(server).length >= 3);
});

Deno.test("open() starts at an offset, and at the end gives nothing without asking", async () => {
  await using server = await startWithBlob();
  assertEquals(await read(server.host, { offset: 299_990 }), bytes.slice(299_990));
  assertEquals(ranges(server), ["bytes=299990-"]);
  assertEquals(await read(server.host, { offset: bytes.length }), new Uint8Array());
  assertEquals(ranges(server).length, 1);
});

Deno.test("open() skips what it has when the registry knows no ranges", async () => {
  const ignoreRange: Fault = (request, next) => next(new Request(request.url));
  await using server = await startWithBlob();
  server.inject({ path, times: 9 }, ignoreRange);
  assertEquals(await read(server.host, { offset: 123_456 }), bytes.slice(123_456));
  await using cutting = await startWithBlob();
  cutting.inject({ path }, cutAfter(200_000));
  cutting.inject({ path, times: 9 }, ignoreRange);
  assertEquals(await read(cutting.host), bytes);
});

Deno.test("open() takes a part that starts earlier than asked, and refuses one that starts later", async () => {
  const shift = (by: number): Fault => (request, next) => {
    const start = Number(/\d+/.exec(request.headers.get("range") ?? "")?.[0]) + by;
    return next(new Request(request.url, { headers: { range: `bytes=${start}-` } }));
  };
  await using server = await startWithBlob();
  server.inject({ path }, shift(-1000));
  assertEquals(await read(server.host, { offset: 5000 }), bytes.slice(5000));
  server.inject({ path }, shift(1000));
  assertEquals((await failureOf(() => read(server.host, { offset: 5000 }))).code, "REMOTE_FAILED");
  server.inject({ path }, withHeaders({ "content-range": undefined }));
  assertEquals((await failureOf(() => read(server.host, { offset: 5000 }))).code, "REMOTE_FAILED");
});

Deno.test("open() tries again for passing errors, as often as the config says", async () => {
  for (const status of [408, 429, 500, 502, 503, 504]) {
    await using server = await startWithBlob();
    server.inject({ path, times: 4 }, answerWith(status));
    assertEquals(await read(server.host), bytes, String(status));
    server.inject({ path, times: 5 }, answerWith(status));
    const error = await failureOf(() => read(server.host));
    assertEquals([error.code, error.detail.status], ["REMOTE_FAILED", status]);
  }
});

Deno.test("open() gives up at once for errors that stay", async () => {
  const codes: readonly (readonly [number, string])[] = [
    [400, "REMOTE_FAILED"],
    [401, "UNAUTHORIZED"],
    [403, "DENIED"],
    [404, "NOT_FOUND"],
    [405, "REMOTE_FAILED"],
    [410, "REMOTE_FAILED"],
    [501, "REMOTE_FAILED"],
    [204, "REMOTE_FAILED"],
    [206, "REMOTE_FAILED"],
  ];
  for (const [status, code] of codes) {
    await using server = await startWithBlob();
    server.inject({ path, times: 9 }, answerWith(status));
    assertEquals((await failureOf(() => read(server.host))).code, code, String(status));
    assertEquals(ranges(server).length, 1);
  }
});

Deno.test("open() waits as Retry-After says, and not when that is too long", async () => {
  await using server = await startWithBlob();
  server.inject({ path }, answerWith(429, { "retry-after": "1" }));
  const started = performance.now();
  assertEquals(await read(server.host), bytes);
  assert(performance.now() - started >= 1000);
  server.inject({ path, times: 9 }, answerWith(503, { "retry-after": "3600" }));
  const error = await failureOf(() => read(server.host));
  assertEquals([error.code, error.detail.status, error.detail.retryAfter], ["REMOTE_FAILED", 503, "3600"]);
  assertEquals(ranges(server).length, 3);
});

Deno.test("open() gives up when attempts bring nothing, and tells how many there were", async () => {
  await using server = await startWithBlob();
  server.inject({ path, times: 99 }, cutAfter(0));
  const error = await failureOf(() => read(server.host, { config: { attempts: 3 } }));
  assertEquals([error.code, error.detail.attempt, error.detail.host], ["NETWORK_FAILED", 3, server.host]);
});

Deno.test("open() counts attempts anew when something came", async () => {
  await using server = await startWithBlob();
  server.inject({ path, times: 20 }, cutAfter(10_000));
  assertEquals(await read(server.host, { config: { attempts: 2 } }), bytes);
});

Deno.test("open() asks again when the registry falls silent, before or amid the bytes", async () => {
  await using server = await startWithBlob();
  server.inject({ path }, neverAnswer());
  server.inject({ path }, silentAfter(100_000));
  assertEquals(await read(server.host, { config: { idleTimeoutMs: 100 } }), bytes);
  server.inject({ path, times: 9 }, neverAnswer());
  const error = await failureOf(() => read(server.host, { config: { idleTimeoutMs: 50, attempts: 2 } }));
  assertEquals(error.code, "NETWORK_FAILED");
  assert(error.message.includes("fell silent"), error.message);
});

Deno.test("open() leaves it to who checks that content is wrong or too short or too long", async () => {
  const faults: Readonly<Record<string, Fault>> = {
    wrong: corruptAt(7),
    short: answerWith(200, {}, bytes.slice(0, 1000)),
    long: answerWith(200, {}, new Uint8Array(300_001)),
    "short after a cut": cutAfter(1000),
  };
  for (const [name, fault] of Object.entries(faults)) {
    await using server = await startWithBlob();
    server.inject({ path }, fault);
    if (name === "short after a cut") {
      server.content.repository("team/app").blobs.set(descriptor.digest, bytes.slice(0, 1000));
    }
    assertEquals((await failureOf(() => read(server.host))).code, "CONTENT_MISMATCH", name);
  }
});

Deno.test("open() takes an end without a length for a cut", async () => {
  await using server = await startWithBlob();
  server.inject({ path }, endAfter(1000));
  assertEquals(await read(server.host), bytes);
  assertEquals(ranges(server), [null, "bytes=1000-"]);
});

Deno.test("open() follows to where blobs are kept, without the login and with the range", async () => {
  await using store = startRegistryServer();
  await store.content.addBlob("team/app", bytes);
  await using server = startRegistryServer({
    behaviour: { blobOrigin: store.origin },
    content: store.content,
    login: { type: "basic", users: { ann: "secret" } },
  });
  const hook = await registryHook({}, { [server.host]: { username: "ann", secret: "secret" } });
  store.inject({ path }, cutAfter(100_000));
  assertEquals(await readContent(hook, { address: `${server.host}/team/app`, descriptor }), bytes);
  assertEquals(store.requests.map(({ headers }) => headers.has("authorization")), [false, false]);
  assertEquals(store.requests.map(({ headers }) => headers.has("range")), [false, true]);
  // The address may have expired meanwhile, so the registry is asked for another.
  assertEquals(server.requests.filter((seen) => path.test(seen.path)).length, 2);
});

Deno.test("open() asks for another address when the one it was led to has expired", async () => {
  await using store = startRegistryServer();
  await store.content.addBlob("team/app", bytes);
  await using server = startRegistryServer({ behaviour: { blobOrigin: store.origin }, content: store.content });
  store.inject({ path }, answerWith(403, {}, "<Error><Code>AccessDenied</Code></Error>"));
  store.inject({ path }, answerWith(401));
  assertEquals(await read(server.host), bytes);
  assertEquals(store.requests.map(({ status }) => status), [403, 401, 200]);
  store.inject({ path, times: 99 }, answerWith(403));
  const error = await failureOf(() => read(server.host));
  assertEquals(error.code, "DENIED");
  assertEquals(JSON.stringify([error.message, error.detail]).includes("secret"), false);
});

Deno.test("open() follows no endless redirects", async () => {
  await using server = await startWithBlob();
  server.inject({ path: /blobs|again/, times: 99 }, answerWith(307, { location: "/again" }));
  assertEquals((await failureOf(() => read(server.host))).code, "REMOTE_FAILED");
  assertEquals(server.requests.filter(({ path }) => path === "/again").length, 10);
});

Deno.test("open() shows no query of any address in its errors", async () => {
  await using gone = startCuttingProxy("127.0.0.1:1");
  gone.refuse();
  await using server = await startWithBlob();
  const location = `http://${gone.host}/x?signature=secret`;
  server.inject({ path, times: 99 }, answerWith(307, { location }));
  const error = await failureOf(() => read(server.host, { config: { attempts: 2 } }));
  assertEquals(error.code, "NETWORK_FAILED");
  assertEquals(JSON.stringify([error.message, error.detail, String(error.cause)]).includes("secret"), false);
});

Deno.test("open() ends with CANCELED when it is cancelled, also while it waits", async () => {
  const faults: Readonly<Record<string, Fault>> = {
    "for an answer": neverAnswer(),
    "for bytes": silentAfter(1000),
    "to try again": answerWith(503, { "retry-after": "50" }),
  };
  for (const [name, fault] of Object.entries(faults)) {
    await using server = await startWithBlob();
    server.inject({ path, times: 9 }, fault);
    const controller = new AbortController();
    const call = { ...quietCall, signal: controller.signal };
    const hook = await registryHook();
    const reading = failureOf(() => readContent(hook, { address: `${server.host}/team/app`, descriptor }, call));
    const waiting = async (): Promise<void> => {
      while (ranges(server).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    await waiting();
    controller.abort();
    assertEquals((await reading).code, "CANCELED", name);
  }
});

Deno.test("open() lets the connection go when its stream is cancelled", async () => {
  await using server = await startWithBlob();
  await using source = await (await registryHook()).source(`${server.host}/team/app`, quietCall);
  const reader = (await source.open(descriptor, quietCall)).getReader();
  await reader.read();
  await reader.cancel();
});

Deno.test("open() gives an empty blob", async () => {
  const empty = await makeBlob("application/octet-stream", new Uint8Array());
  await using server = startRegistryServer();
  await server.content.addBlob("team/app", empty.bytes);
  const from = { address: `${server.host}/team/app`, descriptor: empty.descriptor };
  assertEquals(await readContent(await registryHook(), from), empty.bytes);
});
