import { assertEquals } from "@std/assert";
import { failureOf, readContent, resolveName, seedImage } from "../../tests/helpers/registry_actions.ts";
import { answerWith, corruptAt, withHeaders } from "../../tests/helpers/registry_fault.ts";
import { encode, makeImage, quietCall as call, registryHook } from "../../tests/helpers/registry_fixture.ts";
import { type Fault, type RegistryServer, startRegistryServer } from "../../tests/helpers/registry_server.ts";

const image = await makeImage("pulled");
const { mediaType, digest, size } = image.manifest.descriptor;

async function startWithImage(): Promise<RegistryServer> {
  const server = startRegistryServer();
  await seedImage(server, "team/app", image, "v1");
  return server;
}

/** What `v1` resolves to, or the code of the error, when all answers with a manifest are changed. */
async function resolveWith(fault: Fault, method?: string): Promise<unknown> {
  await using server = await startWithImage();
  server.inject({ path: /manifests/, times: 9, ...(method === undefined ? {} : { method }) }, fault);
  try {
    return await resolveName(await registryHook(), `${server.host}/team/app`, "v1");
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

Deno.test("resolve() asks by HEAD, with all types, and needs nothing more", async () => {
  await using server = await startWithImage();
  assertEquals(await resolveName(await registryHook(), `${server.host}/team/app`, "v1"), { mediaType, digest, size });
  assertEquals(server.lines(), ["GET /v2/", "HEAD /v2/team/app/manifests/v1"]);
  const accept = server.requests[1]?.headers.get("accept") ?? "";
  for (
    const type of ["oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.v2", "manifest.list.v2"]
  ) {
    assertEquals(accept.includes(type), true, type);
  }
});

Deno.test("resolve() falls back on GET when HEAD is unknown or tells too little", async () => {
  const faults: Readonly<Record<string, Fault>> = {
    "405": answerWith(405),
    "501": answerWith(501),
    "400": answerWith(400),
    "404": answerWith(404),
    "no digest": withHeaders({ "docker-content-digest": undefined }),
    "malformed digest": withHeaders({ "docker-content-digest": "sha256:abc" }),
    "no length": withHeaders({ "content-length": undefined }),
    "no type": withHeaders({ "content-type": undefined }),
    "vague type": withHeaders({ "content-type": "application/json; charset=utf-8" }),
  };
  for (const [name, fault] of Object.entries(faults)) {
    assertEquals(await resolveWith(fault, "HEAD"), { mediaType, digest, size }, name);
  }
});

Deno.test("resolve() ignores parameters and case of a type, and takes a vague one from the document", async () => {
  for (
    const type of [`${mediaType}; charset=utf-8`, mediaType.toUpperCase(), "text/plain", "application/octet-stream"]
  ) {
    assertEquals(await resolveWith(withHeaders({ "content-type": type })), { mediaType, digest, size }, type);
  }
});

Deno.test("resolve() gives undefined for what is not there or is no name", async () => {
  await using server = await startWithImage();
  const [hook, address] = [await registryHook(), `${server.host}/team/app`];
  for (const name of ["v2", "no such:tag", "", "@", "a".repeat(129), `sha256:${"0".repeat(64)}`, "../../x"]) {
    assertEquals(await resolveName(hook, address, name), undefined, name);
  }
  assertEquals(await resolveName(hook, `${server.host}/team/other`, "v1"), undefined);
  assertEquals((await resolveName(hook, address, digest))?.digest, digest);
  assertEquals((await resolveName(hook, address, `@${digest}`))?.digest, digest);
});

Deno.test("resolve() rejects UNSUPPORTED by name for schema 1, whatever its type says", async () => {
  const schema1 = JSON.stringify({ schemaVersion: 1, name: "team/app", fsLayers: [], history: [] });
  for (
    const type of [
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
      "application/vnd.docker.distribution.manifest.v1+json",
      "application/json",
    ]
  ) {
    await using server = await startWithImage();
    server.inject({ path: /manifests/, times: 9 }, answerWith(200, { "content-type": type }, schema1));
    const error = await failureOf(async () => await resolveName(await registryHook(), `${server.host}/team/app`, "v1"));
    assertEquals([error.code, error.message.includes("schema 1")], ["UNSUPPORTED", true], type);
  }
});

Deno.test("resolve() rejects CONTENT_MISMATCH for a document that is two things or another one than said", async () => {
  const both = encode({ schemaVersion: 2, manifests: [], layers: [] });
  const json = { "content-type": "application/json" };
  assertEquals(await resolveWith(answerWith(200, json, both)), "CONTENT_MISMATCH");
  assertEquals(await resolveWith(answerWith(200, json, "[]")), "CONTENT_MISMATCH");
  assertEquals(await resolveWith(answerWith(200, json, "{}")), "CONTENT_MISMATCH");
  assertEquals(await resolveWith(answerWith(200, json, "no json")), "CONTENT_MISMATCH");
  const index = "application/vnd.oci.image.index.v1+json";
  const asIndex = withHeaders({ "content-type": index, "docker-content-digest": undefined });
  assertEquals(await resolveWith(asIndex), "CONTENT_MISMATCH");
  const wrongDigest = withHeaders({ "docker-content-digest": `sha256:${"0".repeat(64)}`, "content-length": undefined });
  assertEquals(await resolveWith(wrongDigest), "CONTENT_MISMATCH");
});

Deno.test("resolve() reads no manifest of more than 8 MiB", async () => {
  const body = new Uint8Array(8 * 1024 * 1024 + 1).fill(32);
  const fault: Fault = (request) =>
    new Response(request.method === "HEAD" ? null : body, { headers: { "content-type": mediaType } });
  assertEquals(await resolveWith(fault), "CONTENT_MISMATCH");
});

Deno.test("resolve() takes documents without a type for what they hold", async () => {
  const kinds: Readonly<Record<string, Record<string, unknown>>> = {
    index: { manifests: [] },
    manifest: { config: {}, layers: [] },
  };
  for (const [kind, members] of Object.entries(kinds)) {
    const document = encode({ schemaVersion: 2, ...members });
    const found = await resolveWith(answerWith(200, { "content-type": "application/json" }, document));
    assertEquals((found as { mediaType: string }).mediaType, `application/vnd.oci.image.${kind}.v1+json`);
  }
});

Deno.test("open() rejects CONTENT_MISMATCH for a manifest with other bytes than its digest says", async () => {
  await using server = await startWithImage();
  server.inject({ method: "GET", path: /manifests/ }, corruptAt(9));
  const { descriptor } = image.manifest;
  const from = { address: `${server.host}/team/app`, descriptor };
  assertEquals((await failureOf(async () => await readContent(await registryHook(), from))).code, "CONTENT_MISMATCH");
});

Deno.test("open() finds documents of unknown types among manifests", async () => {
  await using server = await startWithImage();
  const descriptor = { ...image.manifest.descriptor, mediaType: "application/vnd.other.manifest+json" };
  assertEquals(
    await readContent(await registryHook(), { address: `${server.host}/team/app`, descriptor }),
    image.manifest.bytes,
  );
});

Deno.test("source() of a tag or digest looks it up at once and has that one name", async () => {
  await using server = await startWithImage();
  await seedImage(server, "team/app", await makeImage("other"), "v2");
  const hook = await registryHook();
  for (const [suffix, name] of [[":v1", "v1"], [`@${digest}`, `@${digest}`], [`:v2@${digest}`, `@${digest}`]]) {
    await using source = await hook.source(`${server.host}/team/app${suffix}`, call);
    const before = server.requests.length;
    assertEquals(
      await Array.fromAsync(source.names("", call)),
      [{ name, descriptor: { mediaType, digest, size } }] as never,
    );
    assertEquals(await Array.fromAsync(source.list("", call)), [name]);
    assertEquals(await Array.fromAsync(source.list("x", call)), []);
    assertEquals((await source.resolve(String(name), call))?.digest, digest);
    assertEquals(server.requests.length, before);
  }
  const error = await failureOf(() => hook.source(`${server.host}/team/app:v3`, call));
  assertEquals([error.code, error.detail.name], ["NOT_FOUND", `${server.host}/team/app:v3`]);
});

Deno.test("source() of a repository asks nothing before it is read from", async () => {
  await using server = await startWithImage();
  await using source = await (await registryHook()).source(`${server.host}/team/app`, call);
  assertEquals([server.requests.length, source.quota()], [0, undefined]);
});

Deno.test("list() follows links over pages, and names() resolves many", async () => {
  await using server = startRegistryServer({ behaviour: { pageSize: 7 } });
  const tags = Array.from({ length: 50 }, (_, at) => `v${at}`);
  for (const tag of tags) await seedImage(server, "team/app", image, tag);
  await using source = await (await registryHook()).source(`${server.host}/team/app`, call);
  assertEquals(await Array.fromAsync(source.list("", call)), [...tags].sort());
  assertEquals(server.lines().filter((line) => line.includes("tags/list")).length, 8);
  assertEquals(
    (await Array.fromAsync(source.names("v1", call))).map(({ name }) => name),
    tags.filter((tag) => tag.startsWith("v1")).sort(),
  );
  for await (const { name } of source.names("", call)) {
    assertEquals(name, "v0");
    break;
  }
});

Deno.test("list() asks without a size of pages where one is refused", async () => {
  await using server = await startWithImage();
  server.inject({ path: /tags/ }, answerWith(400));
  await using source = await (await registryHook()).source(`${server.host}/team/app`, call);
  assertEquals(await Array.fromAsync(source.list("", call)), ["v1"]);
  assertEquals(server.requests.filter(({ path }) => path.includes("tags")).map(({ query }) => query), ["?n=1000", ""]);
});

Deno.test("list() sorts bytewise, drops repeats and what is no tag, takes null for none", async () => {
  await using server = await startWithImage();
  const address = `${server.host}/team/app`;
  server.inject({ path: /tags/ }, answerWith(200, {}, JSON.stringify({ tags: ["b", "B", "a", "b", 5, "x y", null] })));
  server.inject({ path: /tags/ }, answerWith(200, {}, JSON.stringify({ name: "team/app", tags: null })));
  await using source = await (await registryHook()).source(address, call);
  assertEquals(await Array.fromAsync(source.list("", call)), ["B", "a", "b"]);
  assertEquals(await Array.fromAsync(source.list("", call)), []);
});

Deno.test("list() rejects REMOTE_FAILED for links to other hosts, for circles and for what is no list", async () => {
  const faults: Readonly<Record<string, Fault>> = {
    host: answerWith(200, { link: '<http://127.0.0.2/v2/team/app/tags/list>; rel="next"' }, "{}"),
    circle: answerWith(200, { link: '</v2/team/app/tags/list?n=1>; rel="next"' }, "{}"),
    text: answerWith(200, {}, "no json"),
    teapot: answerWith(418),
  };
  for (const [name, fault] of Object.entries(faults)) {
    await using server = await startWithImage();
    server.inject({ path: /tags/, times: 9 }, fault);
    await using source = await (await registryHook()).source(`${server.host}/team/app`, call);
    assertEquals((await failureOf(() => Array.fromAsync(source.list("", call)))).code, "REMOTE_FAILED", name);
  }
});

Deno.test("quota() tells what the registry told last", async () => {
  await using server = await startWithImage();
  const fault = withHeaders({ "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "3;w=21600" });
  server.inject({ path: /manifests/ }, fault);
  await using source = await (await registryHook()).source(`${server.host}/team/app:v1`, call);
  assertEquals(source.quota(), { limit: 100, remaining: 3, windowSeconds: 21600 });
});
