/** How `strata serve` listens and stops: sockets, ports, tokens, hosts, signals. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeCertificate } from "../helpers/certificate.ts";
import { startServe } from "../helpers/serve.ts";
import { runStrata, tempFolder } from "../helpers/strata.ts";

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

Deno.test("strata serve listens at a socket file of the store that its user alone can open, and removes it at the end", async () => {
  await using folder = await tempFolder();
  await using server = await startServe({ root: `${folder.path}/root` }, "--");
  assertEquals(server.address, `${folder.path}/root/run/api.sock`);
  assertEquals((Deno.statSync(server.address).mode ?? 0) & 0o777, 0o600);
  assertEquals((Deno.statSync(`${folder.path}/root/run`).mode ?? 0) & 0o777, 0o700);
  assertEquals(await statusOf(server.fetch("/v2/")), 200);
  server.process.signal("SIGTERM");
  const { code, stderr } = await server.process.ended();
  assertEquals(code, 0, stderr);
  assertEquals(await Deno.lstat(server.address).then(() => "there", () => "gone"), "gone");
});

Deno.test("strata serve replaces the socket file of a killed server and refuses that of a living one", async () => {
  await using folder = await tempFolder();
  const options = { root: `${folder.path}/root` };
  const path = `${folder.path}/a.sock`;
  {
    await using killed = await startServe(options, "--socket", path);
    void killed;
  }
  assert(Deno.lstatSync(path).isSocket, "a killed server leaves its file");
  await using server = await startServe(options, "--socket", path);
  const refused = await runStrata(options, "serve", "--socket", path);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, `Cannot listen at "${path}": another server listens there`);
  assertEquals(await statusOf(server.fetch("/v2/")), 200);

  const file = `${folder.path}/file`;
  await Deno.writeTextFile(file, "mine");
  const wrong = await runStrata(options, "serve", "--socket", file);
  assertEquals([wrong.code, await Deno.readTextFile(file)], [2, "mine"]);
  assertStringIncludes(wrong.stderr, "it is there and is no socket");
});

Deno.test("strata serve at a port answers those alone who know its token, ask for this machine and are no page of another site", async () => {
  await using folder = await tempFolder();
  await using server = await startServe(
    { root: `${folder.path}/root` },
    "--listen",
    "127.0.0.1:0",
    "--allow-host",
    "box",
  );
  const port = server.address.split(":")[1];
  const password = `Basic ${btoa(`anybody:${server.token}`)}`;
  const ask = (headers: Record<string, string>): Promise<number> => statusOf(server.fetch("/v2/", { headers }));
  assertEquals(await ask({}), 200);
  assertEquals(await ask({ authorization: password }), 200);
  assertEquals(await ask({ authorization: "none" }), 401);
  assertEquals(await ask({ authorization: `Bearer ${server.token}x` }), 401);
  assertEquals(await ask({ authorization: `Basic ${btoa("anybody:wrong")}` }), 401);
  assertEquals(await ask({ authorization: "Basic %%%" }), 401);
  assertEquals(await ask({ origin: "http://evil.example" }), 403);
  assertEquals(await ask({ origin: "null" }), 403);
  assertEquals(await ask({ origin: `http://127.0.0.1:${port}` }), 200);
  assertEquals(await ask({ "sec-fetch-site": "cross-site" }), 403);
  for (const [host, status] of [["evil.example", 403], [`localhost:${port}`, 200], ["box", 200], ["box.evil", 403]]) {
    assertEquals(
      await rawStatus(Number(port), { host: String(host), authorization: password }),
      status,
      `host ${host}`,
    );
  }
});

/** Status of a request whose `Host` is not that of the address. */
async function rawStatus(port: number, headers: Readonly<Record<string, string>>): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await connection.write(new TextEncoder().encode(`GET /v2/ HTTP/1.1\r\n${lines}connection: close\r\n\r\n`));
  const text = await new Response(connection.readable).text();
  return Number(/^HTTP\/1.1 ([0-9]+)/.exec(text)?.[1]);
}

Deno.test("strata serve takes its token from a file and does not print it", async () => {
  await using folder = await tempFolder();
  const options = { root: `${folder.path}/root` };
  const path = `${folder.path}/token`;
  await Deno.writeTextFile(path, "0123456789abcdef\n");
  await using server = await startServe(options, "--listen", "127.0.0.1:0", "--token-file", path);
  assertEquals(server.token, "");
  assertEquals(await statusOf(server.fetch("/v2/", { headers: { authorization: "Bearer 0123456789abcdef" } })), 200);
  assertEquals(await statusOf(server.fetch("/v2/")), 401);
  await Deno.writeTextFile(path, "short\n");
  const refused = await runStrata(options, "serve", "--listen", "127.0.0.1:0", "--token-file", path);
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.stderr, "expected one word of 16 characters or more");
});

Deno.test("strata serve at an address that others can reach needs TLS", async () => {
  await using folder = await tempFolder();
  const options = { root: `${folder.path}/root` };
  for (const address of ["0.0.0.0:0", "[::]:0", "192.0.2.1:5000", "box.example:5000"]) {
    const refused = await runStrata(options, "serve", "--listen", address);
    assertEquals(refused.code, 2, address);
    assertStringIncludes(refused.stderr, "Add --tls-cert and --tls-key");
  }
  for (const wrong of [["--listen", "5000"], ["--listen", "127.0.0.1:99999"], ["--api", "x"], ["--tls-cert", "a"]]) {
    assertEquals((await runStrata(options, "serve", ...wrong)).code, 2, wrong.join(" "));
  }
  const authority = await makeCertificate({ name: "authority" });
  const { cert, key } = await makeCertificate({ name: "box", issuer: authority, hosts: ["localhost"] });
  await folder.write({ "cert.pem": cert, "key.pem": key });
  const tls = ["--tls-cert", `${folder.path}/cert.pem`, "--tls-key", `${folder.path}/key.pem`];
  await using server = await startServe(options, "--listen", "0.0.0.0:0", ...tls);
  const port = server.address.split(":")[1];
  using client = Deno.createHttpClient({ caCerts: [authority.cert] });
  const ask = (headers: Record<string, string>): Promise<number> =>
    statusOf(fetch(`https://localhost:${port}/v2/`, { client, headers }));
  assertEquals(await ask({ authorization: `Bearer ${server.token}` }), 200);
  assertEquals(await ask({}), 401);
});
