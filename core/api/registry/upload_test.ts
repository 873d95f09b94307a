import { assertEquals } from "@std/assert";
import { answerOf, type Ask } from "../../../tests/helpers/registry_client.ts";
import { createTempEngine, type TempEngine, testCall } from "../../../tests/helpers/temp_engine.ts";
import { hostRegistry, readRepository } from "../../image/hosted_registry.ts";
import { sha256 } from "../../oci/digest.ts";
import { createApi } from "../api.ts";

interface Place extends AsyncDisposable {
  readonly engine: TempEngine;
  readonly ask: Ask;
}

async function openPlace(): Promise<Place> {
  const engine = await createTempEngine();
  const stop = new AbortController();
  const app = createApi(engine, { faces: ["registry"], signal: stop.signal });
  return {
    engine,
    ask: (path, init) => app.request(path, init),
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await engine[Symbol.asyncDispose]();
    },
  };
}

async function begin(ask: Ask): Promise<string> {
  const { status, headers } = await answerOf(ask("/v2/app/blobs/uploads/", { method: "POST" }));
  assertEquals(status, 202);
  return headers.get("location") ?? "";
}

/** Bytes that are no two times the same. */
function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}

Deno.test("an upload that breaks off goes on where it was, and nothing can be seen of it before its end", async () => {
  await using place = await openPlace();
  const { ask } = place;
  const bytes = randomBytes(3_000_000);
  const digest = await sha256(bytes);
  const upload = await begin(ask);
  const cut = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes.slice(0, 1_000_000)),
    pull: (controller) => controller.error(new Error("the client went away")),
  }, { highWaterMark: 0 });
  assertEquals((await answerOf(ask(upload, { method: "PATCH", body: cut }))).status, 499);
  const { headers } = await answerOf(ask(upload));
  const [, last = ""] = /^0-([0-9]+)$/.exec(headers.get("range") ?? "") ?? [];
  const offset = Number(last) === 0 ? 0 : Number(last) + 1;
  assertEquals((await answerOf(ask(`/v2/app/blobs/${digest}`))).status, 404);
  const wrong = await answerOf(ask(upload, {
    method: "PATCH",
    body: bytes.slice(offset + 1),
    headers: { "content-range": `${offset + 1}-${bytes.length - 1}` },
  }));
  assertEquals([wrong.status, wrong.headers.get("range"), wrong.headers.get("location")], [
    416,
    headers.get("range"),
    upload,
  ]);
  const rest = await answerOf(ask(upload, {
    method: "PATCH",
    body: bytes.slice(offset),
    headers: { "content-range": `${offset}-${bytes.length - 1}` },
  }));
  assertEquals([rest.status, rest.headers.get("range")], [202, `0-${bytes.length - 1}`]);
  const done = await answerOf(ask(`${upload}?digest=${digest}`, { method: "PUT" }));
  assertEquals([done.status, done.headers.get("location")], [201, `/v2/app/blobs/${digest}`]);
  assertEquals((await answerOf(ask(upload))).code, "BLOB_UPLOAD_UNKNOWN");
  const blob = await ask(`/v2/app/blobs/${digest}`);
  assertEquals(new Uint8Array(await blob.arrayBuffer()), bytes);
  const part = await ask(`/v2/app/blobs/${digest}`, { headers: { range: "bytes=600000-1200000" } });
  assertEquals(part.headers.get("content-range"), "bytes 600000-1200000/3000000");
  assertEquals(new Uint8Array(await part.arrayBuffer()), bytes.slice(600000, 1200001));
  const head = await answerOf(ask(`/v2/app/blobs/${digest}`, { method: "HEAD" }));
  assertEquals([head.status, head.headers.get("content-length"), head.text], [200, "3000000", ""]);
  const known = await answerOf(ask(`/v2/app/blobs/${digest}`, { headers: { "if-none-match": `"${digest}"` } }));
  assertEquals([known.status, known.text], [304, ""]);
});

Deno.test("an upload of other bytes than its digest says ends, and leaves nothing that can be seen", async () => {
  await using place = await openPlace();
  const { ask } = place;
  for (const size of [10, 2_000_000]) {
    const bytes = randomBytes(size);
    const digest = await sha256(randomBytes(4));
    for (const algorithm of [digest, `sha512:${"0".repeat(128)}`]) {
      const upload = await begin(ask);
      const refused = await answerOf(ask(`${upload}?digest=${algorithm}`, { method: "PUT", body: bytes }));
      assertEquals([refused.status, refused.code], [400, "DIGEST_INVALID"]);
      assertEquals((await answerOf(ask(upload))).status, 404);
      for (const each of [algorithm, await sha256(bytes)]) {
        assertEquals((await answerOf(ask(`/v2/app/blobs/${each}`))).status, 404);
      }
    }
  }
  for (const digest of ["", "?digest=none", `?digest=sha384:${"0".repeat(96)}`]) {
    const upload = await begin(ask);
    assertEquals((await answerOf(ask(`${upload}${digest}`, { method: "PUT" }))).code, "DIGEST_INVALID");
    assertEquals((await answerOf(ask(upload))).status, 204, "it can still be ended");
  }
});

Deno.test("an upload belongs to its repository, takes one request at a time and can be dropped", async () => {
  await using place = await openPlace();
  const { ask } = place;
  const upload = await begin(ask);
  assertEquals((await answerOf(ask(upload.replace("/app/", "/other/")))).code, "BLOB_UPLOAD_UNKNOWN");
  const gate = Promise.withResolvers<void>();
  const slow = new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      await gate.promise;
      controller.enqueue(new Uint8Array(5));
      controller.close();
    },
  }, { highWaterMark: 0 });
  const first = ask(upload, { method: "PATCH", body: slow });
  const second = await answerOf(ask(upload, { method: "PATCH", body: new Uint8Array(1) }));
  assertEquals([second.status, second.code], [409, "BLOB_UPLOAD_INVALID"]);
  assertEquals((await answerOf(ask(`${upload}?digest=sha256:${"0".repeat(64)}`, { method: "PUT" }))).status, 409);
  gate.resolve();
  assertEquals((await answerOf(first)).headers.get("range"), "0-4");
  assertEquals((await answerOf(ask(upload, { method: "DELETE" }))).status, 204);
  assertEquals((await answerOf(ask(upload, { method: "DELETE" }))).code, "BLOB_UPLOAD_UNKNOWN");
  const files = [...Deno.readDirSync(`${place.engine.config.root}/tmp`)];
  assertEquals(files, []);
});

Deno.test("HostedRegistry.sweep() drops uploads that nobody goes on with and blobs that no manifest refers to", async () => {
  let now = new Date("2024-01-01T00:00:00Z");
  await using engine = await createTempEngine();
  const registry = hostRegistry({ store: engine.store, clock: () => now });
  const repository = readRepository("app");
  const [idle, busy] = [registry.beginUpload(repository), registry.beginUpload(repository)];
  const bytes = randomBytes(600_000);
  await idle.add(new Blob([bytes]).stream(), () => now);
  const gate = Promise.withResolvers<void>();
  const slow = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller): Promise<void> {
      await gate.promise;
      controller.close();
    },
  }, { highWaterMark: 0 });
  const adding = busy.add(slow, () => now);
  now = new Date("2024-01-01T00:59:00Z");
  await registry.sweep(testCall());
  assertEquals(registry.findUpload(repository, idle.id), idle);
  now = new Date("2024-01-01T01:01:00Z");
  await registry.sweep(testCall());
  assertEquals(registry.findUpload(repository, idle.id), undefined);
  assertEquals(registry.findUpload(repository, busy.id), busy);
  gate.resolve();
  await adding;
  const { digest } = await busy.finish(await sha256(new Uint8Array()), testCall());
  assertEquals((await registry.findBlob(repository, digest, testCall()))?.size, 0);
  // Times of names are the store's own.
  now = new Date(Date.now() + 23 * 3600_000);
  await registry.sweep(testCall());
  assertEquals((await registry.findBlob(repository, digest, testCall()))?.size, 0);
  now = new Date(Date.now() + 25 * 3600_000);
  await registry.sweep(testCall());
  assertEquals(await registry.findBlob(repository, digest, testCall()), undefined);
  assertEquals(await Array.fromAsync(engine.store.blobs(testCall())), []);
  await registry.close();
});
