/** What `strata serve` does when clients vanish, stall or come in crowds, and when it is killed. */
import { assert, assertEquals } from "@std/assert";
import type { Digest } from "../../core/oci/descriptor.ts";
import { sha256 } from "../../core/oci/digest.ts";
import { checkStore, runPython } from "../helpers/check_store.ts";
import { answerOf, type Ask, sendBlob, sendImage } from "../helpers/registry_client.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { type ServeProcess, startServe } from "../helpers/serve.ts";
import { afterMoment, seeded } from "../helpers/strata_process.ts";
import { mustRun, tempFolder } from "../helpers/strata.ts";

/** Bytes that are no two times the same. */
function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}

/** A connection on which a client sends the start of a request: its lines, then its body where it has one. */
async function dial(server: ServeProcess, lines: readonly string[], body?: Uint8Array): Promise<Deno.TcpConn> {
  const [hostname = "", port = ""] = server.address.split(":");
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const [first = "", ...rest] = lines;
  const head = [first, "Host: localhost", `Authorization: Bearer ${server.token}`, ...rest].join("\r\n");
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(body === undefined ? head : `${head}\r\n\r\n`));
  if (body !== undefined && body.length > 0) await writer.write(body);
  writer.releaseLock();
  return connection;
}

/** Open files of the server below a directory. */
function openFiles({ process: { pid } }: ServeProcess, directory: string): readonly string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      if (target.startsWith(directory)) found.push(target);
    } catch (error) {
      // It has been closed since.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

/** Waits until something holds; fails after half a minute. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1500; attempt++) {
    if (await holds()) return;
    await afterMoment(20);
  }
  throw new Deno.errors.TimedOut(`it did not come about that ${what}`);
}

async function begin(ask: Ask): Promise<string> {
  const { headers } = await answerOf(ask("/v2/app/blobs/uploads/", { method: "POST" }));
  return headers.get("location") ?? "";
}

Deno.test("strata serve keeps what came of an upload whose client vanished, and another goes on with it", async () => {
  await using folder = await tempFolder();
  const root = `${folder.path}/root`;
  await using server = await startServe({ root });
  const bytes = randomBytes(4_000_000);
  const digest = await sha256(bytes);
  const upload = await begin(server.fetch);
  const lines = [`PATCH ${upload} HTTP/1.1`, `Content-Length: ${bytes.length}`];
  const client = await dial(server, lines, bytes.subarray(0, 2_500_000));
  const size = async (): Promise<number> => {
    const { status, headers } = await answerOf(server.fetch(upload));
    assertEquals(status, 204);
    return Number(/^0-([0-9]+)$/.exec(headers.get("range") ?? "")?.[1]) + 1;
  };
  await until("all that was sent has come", async () => await size() === 2_500_000);
  client.close();
  const goOn = async (): Promise<number> => {
    const range = { "content-range": `2500000-${bytes.length - 1}` };
    const init = { method: "PATCH", body: bytes.slice(2_500_000), headers: range };
    return (await answerOf(server.fetch(upload, init))).status;
  };
  await until("the server has seen that its client is gone", async () => await goOn() === 202);
  assertEquals((await answerOf(server.fetch(`${upload}?digest=${digest}`, { method: "PUT" }))).status, 201);
  const blob = await server.fetch(`/v2/app/blobs/${digest}`);
  assertEquals(await sha256(new Uint8Array(await blob.arrayBuffer())), digest);
  server.process.signal("SIGTERM");
  const { code, stderr } = await server.process.ended();
  assertEquals(code, 0, stderr);
  assert(!stderr.includes("error"), stderr);
});

Deno.test("strata serve closes the files of clients that vanish, and leaves nothing of half uploads when it ends", async () => {
  await using folder = await tempFolder();
  const root = `${folder.path}/root`;
  await using server = await startServe({ root });
  const { digest } = await sendBlob(server.fetch, "app", randomBytes(20_000_000));
  const lines = [`GET /v2/app/blobs/${digest} HTTP/1.1`];
  const clients = await Promise.all(Array.from({ length: 20 }, () => dial(server, lines, new Uint8Array())));
  for (const client of clients) await client.read(new Uint8Array(1000));
  assert(openFiles(server, `${root}/blobs`).length > 0, "downloads are under way");
  for (const client of clients) client.close();
  await until("no blob is open", () => openFiles(server, `${root}/blobs`).length === 0);

  for (let count = 0; count < 5; count++) {
    const upload = await begin(server.fetch);
    await answerOf(server.fetch(upload, { method: "PATCH", body: randomBytes(1_000_000) }));
  }
  assertEquals(openFiles(server, `${root}/tmp`).length, 5);
  server.process.signal("SIGINT");
  const { code, stderr } = await server.process.ended();
  assertEquals(code, 0, stderr);
  assertEquals([...Deno.readDirSync(`${root}/tmp`)], []);
});

Deno.test("strata serve finishes what it is answering when it is told to end, and ends with clients that stall", async () => {
  await using folder = await tempFolder();
  await using server = await startServe({ root: `${folder.path}/root` });
  const bytes = randomBytes(1_000_000);
  const digest = await sha256(bytes);
  // Half a request.
  const stalled = await Promise.all(Array.from({ length: 50 }, () => dial(server, ["GET /v2/ HTTP/1.1"])));
  const gate = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes.subarray(0, 500_000)),
    async pull(controller): Promise<void> {
      await gate.promise;
      controller.enqueue(bytes.subarray(500_000));
      controller.close();
    },
  });
  const sending = server.fetch(`/v2/app/blobs/uploads/?digest=${digest}`, { method: "POST", body });
  await until("the upload is under way", () => openFiles(server, `${folder.path}/root/tmp`).length === 1);
  assertEquals((await answerOf(server.fetch("/v2/"))).status, 200);
  server.process.signal("SIGTERM");
  await server.process.seen(/Stopping/);
  gate.resolve();
  assertEquals((await answerOf(sending)).status, 201);
  const { code, stderr } = await server.process.ended();
  assertEquals(code, 0, stderr);
  for (const client of stalled) client.close();
});

Deno.test("strata serve ends at once at a second signal, and the next one finds its socket and its store in order", async () => {
  await using folder = await tempFolder();
  const root = `${folder.path}/root`;
  const path = `${folder.path}/a.sock`;
  {
    await using server = await startServe({ root }, "--socket", path);
    const upload = await begin(server.fetch);
    await answerOf(server.fetch(upload, { method: "PATCH", body: randomBytes(1_000_000) }));
    const endless = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    const sending = server.fetch(await begin(server.fetch), { method: "PATCH", body: endless }).catch(() => undefined);
    await until("its bytes have come", () => openFiles(server, `${root}/tmp`).length > 0);
    server.process.signal("SIGTERM");
    await server.process.seen(/Stopping/);
    server.process.signal("SIGTERM");
    assertEquals((await server.process.ended()).code, 130);
    await sending;
  }
  await using next = await startServe({ root }, "--socket", path);
  assertEquals((await answerOf(next.fetch("/v2/"))).status, 200);
  await mustRun({ root }, "image", "prune", "--force");
  assertEquals([...Deno.readDirSync(`${root}/tmp`)], []);
});

Deno.test("strata serve answers 500 clients that pull an image at once", async () => {
  await using folder = await tempFolder();
  const root = `${folder.path}/root`;
  await using server = await startServe({ root });
  const manifest = await sendImage(server.fetch, { repository: "app", tag: "1" }, "x".repeat(100_000));
  const pull = async (): Promise<Digest> => {
    const document = await answerOf(server.fetch("/v2/app/manifests/1"));
    const { config, layers } = JSON.parse(document.text);
    for (const { digest } of [config, ...layers]) {
      const blob = await server.fetch(`/v2/app/blobs/${digest}`);
      assertEquals(await sha256(new Uint8Array(await blob.arrayBuffer())), digest);
    }
    return await sha256(document.text);
  };
  const digests = await Promise.all(Array.from({ length: 500 }, pull));
  assertEquals(new Set(digests), new Set([manifest.digest]));
  assertEquals(openFiles(server, `${root}/blobs`), []);
});

const ignore = isMissing(peers.python);
Deno.test({
  name: "strata serve that is killed under load loses nothing that it has taken, and leaves nothing else",
  ignore,
}, async () => {
  await using folder = await tempFolder();
  const root = `${folder.path}/root`;
  const random = seeded(6);
  const taken = new Map<string, Digest>();
  for (let round = 0; round < 3; round++) {
    await using server = await startServe({ root });
    for (const [tag, digest] of taken) {
      const { text } = await answerOf(server.fetch(`/v2/app/manifests/${tag}`));
      assertEquals(await sha256(text), digest);
    }
    const clients = Array.from(
      { length: 8 },
      (_, client) => pushUntilDead(server, { tag: `r${round}c${client}`, taken }),
    );
    await until("some images were taken", () => taken.size >= 8 * (round + 1));
    await afterMoment(300 * random());
    server.process.signal("SIGKILL");
    await Promise.all(clients);
  }
  const names = new Set(await checkStore(root));
  for (const tag of taken.keys()) assert(names.has(`app:${tag}`), tag);
  assertEquals(await runPython(whole, `${root}/blobs/sha256`), "");
  await mustRun({ root }, "image", "prune", "--all", "--force");
  // Blobs that wait for their manifest do so for a day; nothing else is left.
  assertEquals([...Deno.readDirSync(`${root}/tmp`)], []);
});

/** Prints the names of files whose sha256 is not their name. */
const whole = `
import sys, os, hashlib
for name in os.listdir(sys.argv[1]):
    with open(os.path.join(sys.argv[1], name), 'rb') as f:
        if hashlib.file_digest(f, 'sha256').hexdigest() != name: print(name)
`;

/** Pushes images until the server is gone; notes those that were taken. */
async function pushUntilDead(
  server: ServeProcess,
  { tag, taken }: { readonly tag: string; readonly taken: Map<string, Digest> },
): Promise<void> {
  for (let count = 0;; count++) {
    try {
      await sendBlob(server.fetch, "app", randomBytes(300_000));
      const { digest } = await sendImage(server.fetch, { repository: "app", tag: `${tag}n${count}` }, tag + count);
      taken.set(`${tag}n${count}`, digest);
    } catch (error) {
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}
