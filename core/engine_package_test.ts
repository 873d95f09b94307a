import { assert, assertEquals } from "@std/assert";
import { tempFolder } from "../tests/helpers/strata.ts";
import { call as plainCall } from "../tests/conformance/store_tools.ts";
import { readPackage } from "./engine_package.ts";
import { type ErrorCode, isEngineError } from "./errors.ts";
import { createKit } from "./kit.ts";

const code = "export default 1;\n";

async function packed(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const content = new TextEncoder().encode(text);
  const meta = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  const file = { ...meta, type: "file" as const, path: "package/a.mjs", size: content.length, content };
  const tar = createKit().writeTar(
    (async function* (): AsyncGenerator<typeof file> {
      yield await Promise.resolve(file);
    })(),
    plainCall,
  );
  return new Uint8Array(await new Response(tar.pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
}

async function sri(algorithm: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
  return algorithm === "SHA-1" ? digest.toHex() : `${algorithm.toLowerCase().replace("-", "")}-${digest.toBase64()}`;
}

type Answer = (request: Request, archive: Uint8Array<ArrayBuffer>) => Response | Promise<Response>;

/** Reads `a@1.0.0` from a registry whose facts are what `dist` says. */
async function read(dist: object | Answer, timeoutMs?: number, signal?: AbortSignal): Promise<string> {
  await using folder = await tempFolder();
  const archive = await packed(code);
  const end = new AbortController();
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {}, signal: end.signal };
  const server = Deno.serve(options, async (request) => {
    if (typeof dist === "function") return await dist(request, archive);
    const { origin, pathname } = new URL(request.url);
    if (pathname === "/a.tgz") return new Response(archive);
    return Response.json({ module: "a.mjs", dist: { tarball: `${origin}/a.tgz`, ...dist } });
  });
  Deno.env.set("STRATA_NPM_REGISTRY", `http://127.0.0.1:${server.addr.port}`);
  try {
    const call = signal === undefined ? plainCall : { ...plainCall, signal };
    const place = { folder: folder.path, call, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return new TextDecoder().decode(await readPackage("a@1.0.0", undefined, place));
  } finally {
    Deno.env.delete("STRATA_NPM_REGISTRY");
    end.abort();
    await server.finished;
  }
}

async function assertRejected(code: ErrorCode, part: string, work: () => Promise<unknown>): Promise<void> {
  const error = await work().then(() => undefined, (failure: unknown) => failure);
  assert(isEngineError(error), String(error));
  assertEquals([error.code, error.message.includes(part)], [code, true], error.message);
}

Deno.test("readPackage() takes a package whose strongest hash is right, or its shasum where it has no other", async () => {
  const bytes = await packed(code);
  const [sha512, sha256, sha1] = [await sri("SHA-512", bytes), await sri("SHA-256", bytes), await sri("SHA-1", bytes)];
  for (
    const dist of [
      { integrity: sha512 },
      { integrity: `sha512-AAAA ${sha512}?x` },
      { integrity: `sha256-wrong ${sha512}` },
      { integrity: sha256, shasum: "wrong" },
      { shasum: sha1 },
    ]
  ) assertEquals(await read(dist), code);
});

Deno.test("readPackage() rejects a package with another hash, and one without any", async () => {
  const right = await sri("SHA-256", await packed(code));
  const wrong = `sha512-${new Uint8Array(64).toBase64()}`;
  for (const dist of [{ integrity: wrong }, { integrity: `${right} ${wrong}` }, { shasum: "0".repeat(40) }]) {
    await assertRejected("CONTENT_MISMATCH", "the registry says", () => read(dist));
  }
  for (const dist of [{}, { integrity: "md5-x" }, { integrity: 5 }]) {
    await assertRejected("REMOTE_FAILED", "tells no hash", () => read(dist));
  }
});

Deno.test("readPackage() stops at facts that do not end, and at a package that does not", async () => {
  const endless = (): Response =>
    new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) }));
  await assertRejected("REMOTE_FAILED", "more than 4194304 bytes", () => read(() => endless()));
  await assertRejected("REMOTE_FAILED", "more than 33554432 bytes", () =>
    read((request) => {
      const { origin, pathname } = new URL(request.url);
      return pathname === "/a.tgz" ? endless() : Response.json({ dist: { tarball: `${origin}/a.tgz` } });
    }));
});

Deno.test("readPackage() rejects facts that are no JSON or name no file", async () => {
  await assertRejected("REMOTE_FAILED", "is no JSON", () => read(() => new Response("<html>")));
  for (const answer of ["null", "[]", '{"dist":{"tarball":5}}', '{"dist":{"tarball":"no url"}}']) {
    await assertRejected("REMOTE_FAILED", "names no file", () => read(() => new Response(answer)));
  }
  await assertRejected("NOT_FOUND", "answered 404", () => read(() => new Response(null, { status: 404 })));
});

Deno.test("readPackage() gives up on a registry that does not answer, and when it is canceled", async () => {
  const never = (): Promise<Response> => new Promise(() => {});
  const stalled = (): Response => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
  await assertRejected("NETWORK_FAILED", "did not answer within 0.05 s", () => read(never, 50));
  await assertRejected("NETWORK_FAILED", "did not answer within 0.05 s", () => read(stalled, 50));
  const abort = new AbortController();
  await assertRejected("CANCELED", "canceled", () => {
    return read(
      () => {
        abort.abort();
        return never();
      },
      undefined,
      abort.signal,
    );
  });
});
