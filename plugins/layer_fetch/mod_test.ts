import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { BuildOp, Json, LayerContext, LayerEntry, LayerHook } from "../../core/contract/mod.ts";
import { EngineError } from "../../core/errors.ts";
import { sha256 } from "../../core/oci/digest.ts";
import { layerConformance } from "../../tests/conformance/layer.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import { createLayerContext, createMemoryScratch, readContent } from "../../tests/helpers/layer_context.ts";
import layerFetch from "./mod.ts";

type Handler = (request: Request) => Response | Promise<Response>;

/** A server on a free port of this host, with the requests it saw. */
interface TestServer extends AsyncDisposable {
  readonly origin: string;
  readonly requests: Headers[];
}

function serve(handler: Handler): TestServer {
  const requests: Headers[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(new Headers([...request.headers]));
    return handler(request);
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: async () => await server.shutdown(),
  };
}

async function createHook(config: Readonly<Record<string, unknown>> = {}): Promise<LayerHook> {
  const [hook] = (await layerFetch(createTestHost({ retryDelayMs: 1, ...config }))).layer ?? [];
  assert(hook !== undefined);
  return hook;
}

function fetchOp(url: string, args: Readonly<Record<string, Json>> = {}): BuildOp {
  return { kind: "fetch", args: { url, checksum: null, name: "file", ...args } };
}

async function build(
  hook: LayerHook,
  op: BuildOp,
  context: LayerContext = createLayerContext(),
): Promise<LayerEntry[]> {
  return await Array.fromAsync(hook.build(op, context));
}

async function textOf([entry]: readonly LayerEntry[]): Promise<string> {
  return new TextDecoder().decode(await readContent(entry));
}

async function failure(hook: LayerHook, op: BuildOp, context?: LayerContext): Promise<EngineError> {
  return await assertRejects(() => build(hook, op, context), EngineError);
}

Deno.test("fetch gives one file, mode 0600, with the server's time", async () => {
  const modified = "Wed, 21 Oct 2015 07:28:00 GMT";
  await using server = serve(() => new Response("hello", { headers: { "last-modified": modified } }));
  const [entry, ...more] = await build(await createHook(), fetchOp(`${server.origin}/a/b.txt`, { name: "b.txt" }));
  assertEquals(more, []);
  assert(entry?.type === "file");
  const { content: _, ...meta } = entry;
  assertEquals(meta, { type: "file", path: "b.txt", mode: 0o600, uid: 0, gid: 0, mtime: 1445412480, size: 5 });
  assertEquals(await textOf([entry]), "hello");
  assertEquals(server.requests[0]?.get("accept-encoding"), "identity");
});

Deno.test("fetch gives the build's fixed time when the server tells none, or a malformed one", async () => {
  for (const headers of [{}, { "last-modified": "yesterday" }]) {
    await using server = serve(() => new Response("x", { headers }));
    const timeOf = async (context: LayerContext): Promise<number | undefined> => {
      const [entry] = await build(await createHook(), fetchOp(server.origin), context);
      return entry?.type === "file" ? entry.mtime : undefined;
    };
    assertEquals([await timeOf(createLayerContext()), await timeOf(createLayerContext({ sourceDateEpoch: 42 }))], [
      0,
      42,
    ]);
  }
});

Deno.test("fetch asks once when the key was asked for before", async () => {
  await using server = serve(() => new Response("x"));
  const [hook, op, context] = [await createHook(), fetchOp(server.origin), createLayerContext()];
  await hook.contentKey(op, context);
  assertEquals(await textOf(await build(hook, op, context)), "x");
  assertEquals(server.requests.length, 1);
});

Deno.test("fetch downloads nothing again while the server says that it is the same", async () => {
  let version = 1;
  await using server = serve(({ headers }) => {
    const etag = `"v${version}"`;
    const isSame = headers.get("if-none-match") === etag;
    const modified = "Wed, 21 Oct 2015 07:28:00 GMT";
    return isSame
      ? new Response(null, { status: 304 })
      : new Response(`v${version}`, { headers: { etag, "last-modified": modified } });
  });
  const scratch = createMemoryScratch();
  const keys: unknown[] = [];
  const next = async (): Promise<string> => {
    const [hook, op, context] = [await createHook(), fetchOp(server.origin), createLayerContext({ scratch })];
    keys.push(await hook.contentKey(op, context));
    const entries = await build(hook, op, context);
    assertEquals(entries[0]?.type === "file" && entries[0].mtime, 1445412480);
    return await textOf(entries);
  };
  assertEquals([await next(), await next()], ["v1", "v1"]);
  assertEquals(server.requests.map((headers) => headers.get("if-none-match")), [null, '"v1"']);
  version = 2;
  assertEquals(await next(), "v2");
  scratch.forget();
  assertEquals(await next(), "v2");
  assertEquals(server.requests.at(-1)?.get("if-none-match"), null);
  assertEquals(keys[0], keys[1]);
  assertNotEquals(keys[1], keys[2]);
});

Deno.test("fetch revalidates by time when the server gives no ETag", async () => {
  const modified = "Wed, 21 Oct 2015 07:28:00 GMT";
  await using server = serve(({ headers }) =>
    headers.get("if-modified-since") === modified
      ? new Response(null, { status: 304 })
      : new Response("x", { headers: { "last-modified": modified } })
  );
  const scratch = createMemoryScratch();
  for (let i = 0; i < 2; i++) {
    assertEquals(
      await textOf(await build(await createHook(), fetchOp(server.origin), createLayerContext({ scratch }))),
      "x",
    );
  }
  assertEquals(server.requests.map((headers) => headers.get("if-modified-since")), [null, modified]);
});

Deno.test("fetch rejects REMOTE_FAILED when 304 answers a request without conditions", async () => {
  await using server = serve(() => new Response(null, { status: 304 }));
  assertEquals((await failure(await createHook(), fetchOp(server.origin))).code, "REMOTE_FAILED");
});

Deno.test("fetch checks a checksum before use and then needs no server", async () => {
  const bytes = new TextEncoder().encode("checked");
  const checksums: string[] = [await sha256(bytes)];
  for (const bits of ["384", "512"]) {
    checksums.push(`sha${bits}:${new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, bytes)).toHex()}`);
  }
  for (const checksum of checksums) {
    const scratch = createMemoryScratch();
    const requests = await (async (): Promise<number> => {
      await using server = serve(() =>
        new Response(bytes, { headers: { "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT" } })
      );
      const op = fetchOp(server.origin, { checksum });
      const hook = await createHook();
      const key = await hook.contentKey(op, createLayerContext({ scratch }));
      assertEquals(server.requests.length, 0);
      for (let i = 0; i < 2; i++) {
        const entries = await build(hook, op, createLayerContext({ scratch }));
        assertEquals([await textOf(entries), entries[0]?.type === "file" && entries[0].mtime], ["checked", 1445412480]);
      }
      assertEquals(await hook.contentKey(op, createLayerContext()), key);
      return server.requests.length;
    })();
    assertEquals(requests, 1, checksum);
  }
});

Deno.test("fetch rejects CONTENT_MISMATCH when the checksum differs", async () => {
  await using server = serve(() => new Response("other"));
  for (const checksum of [`sha256:${"0".repeat(64)}`, `sha384:${"0".repeat(96)}`, `sha512:${"a".repeat(128)}`]) {
    const scratch = createMemoryScratch();
    for (let i = 0; i < 2; i++) {
      const error = await failure(
        await createHook(),
        fetchOp(server.origin, { checksum }),
        createLayerContext({ scratch }),
      );
      assertEquals([error.code, error.detail.expected], ["CONTENT_MISMATCH", checksum]);
    }
  }
});

Deno.test("fetch follows redirects, relative ones too, and keeps credentials within their origin", async () => {
  await using other = serve(() => new Response("there"));
  await using server = serve(({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/a") return new Response(null, { status: 302, headers: { location: "b?x=1" } });
    return new Response(null, { status: 308, headers: { location: `${other.origin}/c` } });
  });
  const url = `${server.origin}/a`.replace("//", "//us%40er:pa%20ss@");
  assertEquals(await textOf(await build(await createHook(), fetchOp(url))), "there");
  const wanted = `Basic ${btoa("us@er:pa ss")}`;
  assertEquals(server.requests.map((headers) => headers.get("authorization")), [wanted, wanted]);
  assertEquals(other.requests.map((headers) => headers.get("authorization")), [null]);
});

Deno.test("fetch rejects REMOTE_FAILED when redirects are endless, lead elsewhere or name nothing", async () => {
  for (const location of ["/again", "file:///etc/passwd", "ftp://x/y", "http://", undefined]) {
    await using server = serve(() =>
      new Response(null, { status: 302, ...(location !== undefined && { headers: { location } }) })
    );
    assertEquals((await failure(await createHook(), fetchOp(server.origin))).code, "REMOTE_FAILED", location);
    assert(server.requests.length <= 11);
  }
});

Deno.test("fetch rejects REMOTE_FAILED with the status and without secrets when the server refuses", async () => {
  for (const status of [400, 401, 403, 404, 410, 500, 503, 206]) {
    await using server = serve(() => new Response("secret page", { status }));
    const url = `${server.origin}/path?token=secret`.replace("//", "//user:secret@");
    const error = await failure(await createHook(), fetchOp(url));
    assertEquals([error.code, error.detail.status], ["REMOTE_FAILED", status]);
    assertEquals(error.message, `Cannot download "${server.origin}/path?...": the server answered ${status}`);
    assert(!JSON.stringify([error.message, error.detail, error.hint, String(error.cause)]).includes("secret"));
    assertEquals(server.requests.length, 1);
  }
});

Deno.test("fetch tries a broken connection three times, then rejects NETWORK_FAILED", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  let count = 0;
  const accepting = (async (): Promise<void> => {
    for await (const connection of listener) {
      count++;
      connection.close();
    }
  })();
  const error = await failure(await createHook(), fetchOp(`http://user:secret@127.0.0.1:${port}/x?token=secret`));
  listener.close();
  await accepting;
  assertEquals([error.code, error.detail, count], ["NETWORK_FAILED", { host: `127.0.0.1:${port}`, attempt: 3 }, 3]);
  assert(!JSON.stringify([error.message, error.detail, error.hint, String(error.cause)]).includes("secret"));
  const refused = await failure(await createHook(), fetchOp(`http://127.0.0.1:${port}/`));
  assertEquals(refused.code, "NETWORK_FAILED");
});

Deno.test("fetch goes on after a body that broke off", async () => {
  let count = 0;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async (): Promise<void> => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      const body = ++count === 1 ? "half" : "whole body";
      await connection.write(
        new TextEncoder().encode(`HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n${body}`),
      );
      connection.close();
    }
  })();
  const entries = await build(await createHook(), fetchOp(`http://127.0.0.1:${listener.addr.port}/`));
  assertEquals([await textOf(entries), count], ["whole body", 2]);
  listener.close();
  await answering;
});

Deno.test("fetch rejects NETWORK_FAILED when the server falls silent, before its answer or in it", async () => {
  for (const isEarly of [true, false]) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const held: Deno.TcpConn[] = [];
    const answering = (async (): Promise<void> => {
      for await (const connection of listener) {
        held.push(connection);
        if (!isEarly) {
          await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
        }
      }
    })();
    const hook = await createHook({ idleTimeoutMs: 30 });
    const error = await failure(hook, fetchOp(`http://127.0.0.1:${listener.addr.port}/`));
    assertEquals(error.code, "NETWORK_FAILED");
    assertStringIncludes(error.message, "the server fell silent");
    listener.close();
    await answering;
    for (const connection of held) connection.close();
  }
});

Deno.test("fetch rejects INVALID_ARGUMENT when a file is too big, told before or found while reading", async () => {
  const hook = await createHook({ maxBytes: 1000 });
  await using told = serve(() => new Response("x".repeat(1001)));
  assertStringIncludes(
    (await failure(hook, fetchOp(told.origin))).message,
    "at least 1001 bytes, expected at most 1000",
  );
  let sent = 0;
  await using endless = serve(() => {
    const chunk = new Uint8Array(600);
    return new Response(
      new ReadableStream({
        pull: (controller): void => {
          sent += chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
  });
  const error = await failure(hook, fetchOp(endless.origin));
  assertEquals(error.code, "INVALID_ARGUMENT");
  assert(sent < 100e6);
  await using exact = serve(() => new Response("x".repeat(1000)));
  assertEquals((await textOf(await build(hook, fetchOp(exact.origin)))).length, 1000);
});

Deno.test("fetch keeps bytes that the server compressed as they are", async () => {
  const packed = new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
  await using server = serve(() => new Response(packed, { headers: { "content-encoding": "gzip" } }));
  const [entry] = await build(await createHook(), fetchOp(server.origin));
  assertEquals(await readContent(entry), packed);
});

Deno.test("fetch rejects CANCELED when it is aborted while the server is silent", async () => {
  const controller = new AbortController();
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<Response>();
  await using server = serve(() => {
    arrived.resolve();
    return release.promise;
  });
  const failing = failure(
    await createHook(),
    fetchOp(server.origin),
    createLayerContext({ signal: controller.signal }),
  );
  await arrived.promise;
  controller.abort(new EngineError("CANCELED", "stop"));
  assertEquals((await failing).code, "CANCELED");
  release.resolve(new Response(""));
});

Deno.test("fetch rejects INVALID_ARGUMENT when its arguments are malformed", async () => {
  const hook = await createHook();
  const table: readonly (readonly [url: string, args: Readonly<Record<string, Json>>])[] = [
    ["ftp://host/x", {}],
    ["file:///etc/passwd", {}],
    ["no address", {}],
    ["http://h/x", { name: "a/b" }],
    ["http://h/x", { name: ".." }],
    ["http://h/x", { name: "" }],
    ["http://h/x", { name: ".wh.x" }],
    ["http://h/x", { checksum: "md5:00" }],
    ["http://h/x", { checksum: "sha256:00" }],
    ["http://h/x", { checksum: `sha256:${"G".repeat(64)}` }],
  ];
  for (const [url, args] of table) {
    assertEquals((await failure(hook, fetchOp(url, args))).code, "INVALID_ARGUMENT", JSON.stringify([url, args]));
  }
});

Deno.test("layerFetch() throws INVALID_ARGUMENT when its config is unknown or malformed", () => {
  for (const config of [{ max: 1 }, { maxBytes: -1 }, { idleTimeoutMs: 1.5 }, { retryDelayMs: "1" }]) {
    assertEquals(assertThrows(() => layerFetch(createTestHost(config)), EngineError).code, "INVALID_ARGUMENT");
  }
});

layerConformance("layer_fetch fetch", async () => {
  let version = 1;
  const server = serve(({ url }) => new Response(`${new URL(url).pathname} ${version}`));
  const op = fetchOp(`${server.origin}/file`);
  const checked = fetchOp(`${server.origin}/file`, { checksum: await sha256("/file 1") });
  const context = (signal?: AbortSignal): LayerContext => createLayerContext(signal && { signal });
  const changed = (): LayerContext => {
    version++;
    return context();
  };
  return {
    hook: await createHook(),
    cases: [{ name: "with a checksum", op: checked, context }, { name: "without one", op, context, changed }],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});
