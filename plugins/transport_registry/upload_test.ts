import { assert, assertEquals } from "@std/assert";
import type { OpenContent } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import { startCuttingProxy } from "../../tests/helpers/cutting_proxy.ts";
import { failureOf, openerOf, pushBlob } from "../../tests/helpers/registry_actions.ts";
import { answerLost, answerWith, neverAnswer, withHeaders } from "../../tests/helpers/registry_fault.ts";
import { fill, makeBlob, quietCall as call, registryHook } from "../../tests/helpers/registry_fixture.ts";
import type { RegistryBehaviour } from "../../tests/helpers/registry_handler.ts";
import { type Fault, type RegistryServer, startRegistryServer } from "../../tests/helpers/registry_server.ts";

const uploads = /\/uploads\//;
const big = await makeBlob("application/vnd.oci.image.layer.v1.tar", fill("big", 1_500_000));
const small = await makeBlob("application/vnd.oci.image.layer.v1.tar", fill("small", 1000));
const { digest } = big.descriptor;

/** Requests that uploaded something, as method and length. */
function sent(server: RegistryServer): string[] {
  return server.requests.filter(({ path }) => uploads.test(path))
    .map(({ method, headers }) =>
      `${method} ${headers.get("content-length") ?? headers.get("transfer-encoding") ?? ""}`
    );
}

function isStored(server: RegistryServer, blob = big): boolean {
  const bytes = server.content.repository("team/app").blobs.get(blob.descriptor.digest);
  return bytes !== undefined && bytes.length === blob.bytes.length &&
    bytes.every((byte, at) => byte === blob.bytes[at]);
}

Deno.test("put() sends a blob in one request with its exact length, large or small or empty", async () => {
  const empty = await makeBlob("application/octet-stream", new Uint8Array());
  for (const blob of [big, small, empty]) {
    await using server = startRegistryServer();
    await pushBlob(await registryHook(), `${server.host}/team/app`, blob);
    assertEquals(sent(server), ["POST 0", `PUT ${blob.bytes.length}`]);
    assertEquals([isStored(server, blob), server.openUploads], [true, 0]);
    const put = server.requests.at(-1);
    assertEquals(put?.headers.get("content-type"), "application/octet-stream");
    assert(put?.query.includes(`&digest=${blob.descriptor.digest}`), put?.query);
  }
});

Deno.test("put() goes to the address that the registry gave, with its own query, relative or not", async () => {
  for (const absoluteLocations of [true, false]) {
    await using server = startRegistryServer({ behaviour: { absoluteLocations } });
    server.inject({ method: "POST", path: uploads }, async (request, next) => {
      const response = await next(request);
      const location = `${response.headers.get("location")}&sig=a%2Fb%20c+d`;
      return new Response(null, { status: 202, headers: { location } });
    });
    await pushBlob(await registryHook(), `${server.host}/team/app`, big);
    assertEquals(isStored(server), true);
    assert(server.requests.at(-1)?.query.endsWith(`&sig=a%2Fb%20c+d&digest=${digest}`), server.requests.at(-1)?.query);
  }
});

Deno.test("put() sends to another host without the login, and follows 307 with the bytes", async () => {
  await using store = startRegistryServer({ behaviour: { absoluteLocations: true } });
  await using server = startRegistryServer({ login: { type: "basic", users: { ann: "secret" } } });
  const begun = await fetch(`${store.origin}/v2/team/app/blobs/uploads/`, { method: "POST" });
  const location = begun.headers.get("location") ?? "";
  server.inject({ method: "POST", path: uploads }, answerWith(202, { location }));
  store.inject({ method: "PUT", path: uploads }, async (request) => {
    await request.body?.cancel();
    return new Response(null, { status: 307, headers: { location: request.url } });
  });
  const hook = await registryHook({}, { [server.host]: { username: "ann", secret: "secret" } });
  await pushBlob(hook, `${server.host}/team/app`, big);
  assertEquals(isStored(store), true);
  assertEquals(store.requests.map(({ headers }) => headers.has("authorization")), [false, false, false]);
});

Deno.test("put() sends parts as the config says, none shorter than the registry wants", async () => {
  const cases: readonly (readonly [number, Partial<RegistryBehaviour>, readonly number[]])[] = [
    [400_000, {}, [400_000, 400_000, 400_000, 300_000]],
    [400_000, { minChunkBytes: 700_000 }, [700_000, 700_000, 100_000]],
    [500_000, { rangePrefix: "bytes=", absoluteLocations: true }, [500_000, 500_000, 500_000]],
  ];
  for (const [chunkBytes, behaviour, parts] of cases) {
    await using server = startRegistryServer({ behaviour });
    const hook = await registryHook({ registries: { [server.host]: { chunkBytes } } });
    await pushBlob(hook, `${server.host}/team/app`, big);
    assertEquals(sent(server), ["POST 0", ...parts.map((size) => `PATCH ${size}`), "PUT 0"]);
    assertEquals(isStored(server), true);
  }
});

Deno.test("put() goes on in parts when the registry finds the whole too large", async () => {
  const huge = await makeBlob("application/octet-stream", fill("huge", 40 * 1024 * 1024));
  await using server = startRegistryServer({ behaviour: { maxBodyBytes: 33 * 1024 * 1024 } });
  await pushBlob(await registryHook(), `${server.host}/team/app`, huge);
  assertEquals(server.content.repository("team/app").blobs.get(huge.descriptor.digest)?.length, huge.bytes.length);
  assertEquals(sent(server).filter((line) => line.startsWith("PATCH")), [
    `PATCH ${32 * 1024 * 1024}`,
    `PATCH ${8 * 1024 * 1024}`,
  ]);
});

Deno.test("put() asks where it stands when a part has another range than the registry's, and goes on from there", async () => {
  await using server = startRegistryServer();
  const hook = await registryHook({ registries: { [server.host]: { chunkBytes: 500_000 } } });
  // The second part arrives twice: its answer was lost.
  server.inject({ method: "PATCH" }, (request, next) => next(request));
  server.inject({ method: "PATCH" }, answerLost(503));
  await pushBlob(hook, `${server.host}/team/app`, big);
  assertEquals(sent(server), ["POST 0", "PATCH 500000", "PATCH 500000", "GET ", "PATCH 500000", "PUT 0"]);
  server.inject({ method: "PATCH" }, (request, next) => next(request));
  server.inject({ method: "PATCH" }, answerWith(416));
  server.content.repository("team/app").blobs.clear();
  await pushBlob(hook, `${server.host}/team/app`, big);
  assertEquals(isStored(server), true);
});

Deno.test("put() takes less than it sent for granted when the registry says so", async () => {
  await using server = startRegistryServer();
  server.inject({ method: "PATCH" }, async (request, next) => {
    const bytes = new Uint8Array(await request.arrayBuffer()).slice(0, 300_000);
    const headers = { "content-range": "0-299999", "content-length": "300000" };
    return await next(new Request(request.url, { method: "PATCH", headers, body: bytes }));
  });
  const hook = await registryHook({ registries: { [server.host]: { chunkBytes: 1_000_000 } } });
  await pushBlob(hook, `${server.host}/team/app`, big);
  assertEquals([isStored(server), sent(server).at(-2)], [true, "PATCH 200000"]);
});

Deno.test("put() goes on where the registry says after the wire was cut", async () => {
  await using server = startRegistryServer();
  await using proxy = startCuttingProxy(server.host);
  proxy.cut({ direction: "up", afterBytes: 900_000 });
  await pushBlob(await registryHook(), `${proxy.host}/team/app`, big);
  assertEquals(isStored(server), true);
  // The server may still have taken bytes when it told how many it has; then it is asked again.
  const part = server.requests.findLast(({ method }) => method === "PATCH");
  const from = Number(/^\d+/.exec(part?.headers.get("content-range") ?? "")?.[0]);
  assertEquals([from > 0, from <= 900_000, sent(server).filter((line) => line === "POST 0").length], [true, true, 1]);
});

Deno.test("put() begins anew when the registry has forgotten the upload", async () => {
  await using server = startRegistryServer();
  await using proxy = startCuttingProxy(server.host);
  proxy.cut({ direction: "up", afterBytes: 900_000 });
  server.inject({ method: "GET", path: uploads }, answerWith(404));
  await pushBlob(await registryHook(), `${proxy.host}/team/app`, big);
  assertEquals(isStored(server), true);
  assertEquals(sent(server).filter((line) => line === "POST 0").length, 2);
});

Deno.test("put() is done when only the last answer was lost", async () => {
  await using server = startRegistryServer();
  server.inject({ method: "PUT", path: uploads }, answerLost(502));
  await pushBlob(await registryHook(), `${server.host}/team/app`, big);
  assertEquals([isStored(server), sent(server)], [true, ["POST 0", `PUT ${big.bytes.length}`, "GET "]]);
});

Deno.test("put() tries again for passing errors, and gives up after as many as the config says", async () => {
  for (const status of [408, 429, 500, 502, 503, 504]) {
    for (const method of ["POST", "PUT"]) {
      await using server = startRegistryServer();
      const hook = await registryHook();
      server.inject({ method, path: uploads, times: 4 }, answerWith(status));
      await pushBlob(hook, `${server.host}/team/app`, small);
      assertEquals(isStored(server, small), true, `${method} ${status}`);
      server.inject({ method, path: uploads, times: 99 }, answerWith(status));
      const error = await failureOf(() => pushBlob(hook, `${server.host}/team/app`, big));
      assertEquals([error.code, error.detail.status, isStored(server)], ["REMOTE_FAILED", status, false]);
    }
  }
});

Deno.test("put() gives up at once for errors that stay, with codes of the registry, and cancels the upload", async () => {
  const body = JSON.stringify({ errors: [{ code: "DIGEST_INVALID", message: "provided digest\ndid not match" }] });
  const cases: readonly (readonly [number, string])[] = [[400, "REMOTE_FAILED"], [403, "DENIED"], [
    507,
    "REMOTE_FAILED",
  ]];
  for (const [status, code] of cases) {
    await using server = startRegistryServer();
    server.inject({ method: "PUT", path: uploads, times: 99 }, answerWith(status, {}, body));
    const error = await failureOf(async () => await pushBlob(await registryHook(), `${server.host}/team/app`, big));
    assertEquals([error.code, error.detail.codes], [code, ["DIGEST_INVALID"]]);
    assert(error.message.endsWith("(DIGEST_INVALID: provided digest did not match)"), error.message);
    assertEquals([sent(server).filter((line) => line.startsWith("PUT")).length, server.openUploads], [1, 0]);
    assertEquals(server.requests.at(-1)?.method, "DELETE");
  }
});

Deno.test("put() rejects REMOTE_FAILED when the registry leads nowhere or takes nothing", async () => {
  const faults: Readonly<Record<string, readonly [string, Fault]>> = {
    "no location": ["POST", answerWith(202)],
    "a file": ["POST", answerWith(202, { location: "file:///etc/passwd" })],
    "201 without a reason": ["POST", answerWith(201)],
    "no bytes taken": ["PATCH", withHeaders({ range: "0-499999" })],
    "more bytes taken": ["PATCH", withHeaders({ range: "0-9999999" })],
    "202 for the last": ["PUT", answerWith(202)],
  };
  for (const [name, [method, fault]] of Object.entries(faults)) {
    await using server = startRegistryServer();
    const hook = await registryHook({ registries: { [server.host]: { chunkBytes: 500_000 } } });
    server.inject({ method: "PATCH" }, (request, next) => next(request));
    server.inject({ method, path: uploads, times: 99 }, fault);
    assertEquals((await failureOf(() => pushBlob(hook, `${server.host}/team/app`, big))).code, "REMOTE_FAILED", name);
  }
});

Deno.test("put() rejects CONTENT_MISMATCH when the registry says to have stored something else", async () => {
  await using server = startRegistryServer();
  server.inject({ method: "PUT" }, withHeaders({ "docker-content-digest": `sha256:${"0".repeat(64)}` }));
  const error = await failureOf(async () => await pushBlob(await registryHook(), `${server.host}/team/app`, small));
  assertEquals(error.code, "CONTENT_MISMATCH");
});

Deno.test("put() passes on what reading failed with, once, and lets content go", async () => {
  await using server = startRegistryServer();
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  let opened = 0;
  const open: OpenContent = () => {
    opened++;
    let left = 3;
    return Promise.resolve(
      new ReadableStream({
        pull(controller): void {
          if (left-- > 0) controller.enqueue(new Uint8Array(300_000));
          else controller.error(new EngineError("NETWORK_FAILED", "Cannot read it: gone"));
        },
      }),
    );
  };
  const error = await failureOf(() => sink.put(big.descriptor, open, call));
  assertEquals([error.message, opened, isStored(server)], ["Cannot read it: gone", 1, false]);
  await sink.put(big.descriptor, openerOf(big), call);
  assertEquals(isStored(server), true);
});

Deno.test("put() reads on at an offset, and from the start where that is unsupported", async () => {
  for (const isSeekable of [true, false]) {
    await using server = startRegistryServer();
    await using proxy = startCuttingProxy(server.host);
    proxy.cut({ direction: "up", afterBytes: 900_000 });
    const offsets: number[] = [];
    const open: OpenContent = (offset = 0) => {
      offsets.push(offset);
      if (offset > 0 && !isSeekable) return Promise.reject(new EngineError("UNSUPPORTED", "Cannot start there"));
      return openerOf(big)(offset);
    };
    await using sink = await (await registryHook()).sink(`${proxy.host}/team/app`, call);
    await sink.put(big.descriptor, open, call);
    assertEquals([isStored(server), offsets[0]], [true, 0]);
  }
});

Deno.test("put() rejects CONTENT_MISMATCH for content that is shorter or longer, also in parts", async () => {
  for (const chunkBytes of [undefined, 400_000]) {
    for (const change of [-1, 1, -big.bytes.length]) {
      await using server = startRegistryServer();
      const hook = await registryHook({
        registries: { [server.host]: chunkBytes === undefined ? {} : { chunkBytes } },
      });
      await using sink = await hook.sink(`${server.host}/team/app`, call);
      const bytes = new Uint8Array(big.bytes.length + change);
      const error = await failureOf(() => sink.put(big.descriptor, openerOf({ ...big, bytes }), call));
      assertEquals([error.code, isStored(server)], ["CONTENT_MISMATCH", false]);
    }
  }
});

Deno.test("put() waits for slow content, however short the registry may be silent", async () => {
  await using server = startRegistryServer();
  await using sink = await (await registryHook({ idleTimeoutMs: 100 })).sink(`${server.host}/team/app`, call);
  const open: OpenContent = () => {
    let at = 0;
    return Promise.resolve(
      new ReadableStream({
        async pull(controller): Promise<void> {
          await new Promise((resolve) => setTimeout(resolve, 150));
          const end = Math.min(at + 500_000, big.bytes.length);
          controller.enqueue(big.bytes.slice(at, end));
          at = end;
          if (at === big.bytes.length) controller.close();
        },
      }, { highWaterMark: 0 }),
    );
  };
  await sink.put(big.descriptor, open, call);
  assertEquals([isStored(server), sent(server).length], [true, 2]);
});

Deno.test("put() gives up on a registry that falls silent", async () => {
  await using server = startRegistryServer();
  server.inject({ method: "PUT", path: uploads, times: 9 }, neverAnswer());
  const hook = await registryHook({ idleTimeoutMs: 40, attempts: 2 });
  const error = await failureOf(() => pushBlob(hook, `${server.host}/team/app`, big));
  assertEquals([error.code, error.detail.attempt], ["NETWORK_FAILED", 2]);
});

Deno.test("put() ends with CANCELED amid an upload, and cancels it", async () => {
  await using server = startRegistryServer();
  const controller = new AbortController();
  const stopped = { ...call, signal: controller.signal };
  const open: OpenContent = () =>
    Promise.resolve(
      new ReadableStream({
        pull(stream): void {
          stream.enqueue(big.bytes.slice(0, 300_000));
          controller.abort();
        },
      }, { highWaterMark: 0 }),
    );
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  assertEquals((await failureOf(() => sink.put(big.descriptor, open, stopped))).code, "CANCELED");
  assertEquals(server.openUploads, 0);
});

Deno.test("put() sends at most as many blobs at once as the config says, and the same one once", async () => {
  await using server = startRegistryServer();
  let [now, most] = [0, 0];
  server.inject({ method: "PUT", path: uploads, times: 99 }, async (request, next) => {
    most = Math.max(most, ++now);
    const response = await next(request);
    now--;
    return response;
  });
  const blobs = await Promise.all([1, 2, 3, 4, 5, 6].map((at) => makeBlob("a/b", fill(`many ${at}`, 300_000))));
  await using sink = await (await registryHook({ uploads: 2 })).sink(`${server.host}/team/app`, call);
  await Promise.all([...blobs, ...blobs].map((blob) => sink.put(blob.descriptor, openerOf(blob), call)));
  assertEquals([most <= 2, sent(server).filter((line) => line.startsWith("PUT")).length], [true, 6]);
});
