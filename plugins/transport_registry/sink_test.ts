import { assertEquals } from "@std/assert";
import { EngineError } from "../../core/errors.ts";
import { failureOf, openerOf, pushImage, resolveName, seedImage } from "../../tests/helpers/registry_actions.ts";
import { answerWith } from "../../tests/helpers/registry_fault.ts";
import {
  fill,
  makeBlob,
  makeImage,
  makeManifest,
  quietCall as call,
  registryHook,
} from "../../tests/helpers/registry_fixture.ts";
import { type RegistryServer, startRegistryServer } from "../../tests/helpers/registry_server.ts";

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

Deno.test("mount() takes over what another repository of the registry has", async () => {
  await using server = startRegistryServer();
  await server.content.addBlob("base/image", big.bytes);
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  assertEquals(await sink.mount(big.descriptor, `${server.host}/base/image`, call), true);
  assertEquals([isStored(server), await sink.has(big.descriptor, call)], [true, true]);
  assertEquals(server.requests.at(-1)?.query, `?mount=${encodeURIComponent(digest)}&from=base%2Fimage`);
});

Deno.test("mount() that only begins an upload is used by put(), or cancelled with the sink", async () => {
  await using server = startRegistryServer({ behaviour: { mounts: false } });
  await server.content.addBlob("base/image", big.bytes);
  const hook = await registryHook();
  {
    await using sink = await hook.sink(`${server.host}/team/app`, call);
    assertEquals(await sink.mount(big.descriptor, `${server.host}/base/image`, call), false);
    await sink.put(big.descriptor, openerOf(big), call);
    assertEquals([isStored(server), sent(server)], [true, ["POST 0", `PUT ${big.bytes.length}`]]);
    assertEquals(await sink.mount(small.descriptor, `${server.host}/base/image`, call), false);
    assertEquals(server.openUploads, 1);
  }
  assertEquals(server.openUploads, 0);
});

Deno.test("mount() that is refused is no failure: put() sends the blob", async () => {
  for (const status of [400, 401, 403, 404, 405, 500]) {
    await using server = startRegistryServer();
    server.inject({ method: "POST", path: uploads, times: status === 500 ? 5 : 1 }, answerWith(status));
    await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
    assertEquals(await sink.mount(small.descriptor, `${server.host}/base/image`, call), false, String(status));
    await sink.put(small.descriptor, openerOf(small), call);
    assertEquals(isStored(server, small), true);
  }
});

Deno.test("mount() asks nothing for another registry, for manifests, for what is there", async () => {
  await using server = startRegistryServer();
  const image = await makeImage("mounted");
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  assertEquals(await sink.mount(big.descriptor, "docker.io/library/alpine", call), false);
  assertEquals(await sink.mount(image.manifest.descriptor, `${server.host}/base/image`, call), false);
  assertEquals(server.requests.length, 0);
  await sink.put(big.descriptor, openerOf(big), call);
  const before = server.requests.length;
  assertEquals(await sink.mount(big.descriptor, `${server.host}/base/image`, call), true);
  assertEquals(server.requests.length, before);
});

Deno.test("commit() writes tags last, with the type that the document has", async () => {
  await using server = startRegistryServer();
  const image = await makeImage("tagged");
  await pushImage(await registryHook(), { address: `${server.host}/team/app`, image, tags: ["v1", "latest"] });
  const { digest } = image.manifest.descriptor;
  const puts = server.requests.filter(({ method, path }) => method === "PUT" && path.includes("manifests"));
  assertEquals(puts.map(({ path }) => path.split("/").at(-1)), [digest, "v1", "latest"]);
  assertEquals(
    new Set(puts.map(({ headers }) => headers.get("content-type"))),
    new Set([image.manifest.descriptor.mediaType]),
  );
});

Deno.test("commit() points a tag at what was there before, and asks little when it does already", async () => {
  await using server = startRegistryServer();
  const image = await makeImage("retagged");
  await seedImage(server, "team/app", image, "v1");
  const hook = await registryHook();
  const tag = async (name: string): Promise<string[]> => {
    const before = server.requests.length;
    await using sink = await hook.sink(`${server.host}/team/app`, call);
    await sink.tag(image.manifest.descriptor, name, call);
    await sink.commit(call);
    return server.requests.slice(before).map(({ method }) => method);
  };
  assertEquals(await tag("v1"), ["GET", "HEAD", "HEAD"]);
  assertEquals(await tag("v2"), ["HEAD", "HEAD", "GET", "PUT"]);
  assertEquals((await resolveName(hook, `${server.host}/team/app`, "v2"))?.digest, image.manifest.descriptor.digest);
});

Deno.test("put() pushes an index after its manifests, and refuses manifests beyond 8 MiB", async () => {
  await using server = startRegistryServer();
  const image = await makeImage("child");
  const index = await makeManifest({ manifests: [image.manifest.descriptor] });
  await pushImage(await registryHook(), {
    address: `${server.host}/team/app`,
    image: { blobs: [...image.blobs, index], manifest: index },
    tags: ["multi"],
  });
  assertEquals(
    (await resolveName(await registryHook(), `${server.host}/team/app`, "multi"))?.mediaType,
    index.descriptor.mediaType,
  );
  const huge = { ...index.descriptor, size: 8 * 1024 * 1024 + 1 };
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  const error = await failureOf(() => sink.put({ ...huge, digest: `sha256:${"1".repeat(64)}` }, openerOf(index), call));
  assertEquals(error.code, "INVALID_ARGUMENT");
});

Deno.test("tag() rejects INVALID_ARGUMENT for what is no tag", async () => {
  await using server = startRegistryServer();
  const image = await makeImage("named");
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  for (const name of ["", "a/b", "-x", "a b", `@sha256:${"0".repeat(64)}`, "a".repeat(129)]) {
    assertEquals(
      (await failureOf(() => sink.tag(image.manifest.descriptor, name, call))).code,
      "INVALID_ARGUMENT",
      name,
    );
  }
});

Deno.test("remove() removes a tag or a manifest, and says how where the registry does not", async () => {
  const image = await makeImage("removed");
  const name = `@${image.manifest.descriptor.digest}`;
  const outcomes: Record<string, unknown> = {};
  for (const deletion of ["all", "digests", "none"] as const) {
    await using server = startRegistryServer({ behaviour: { deletion } });
    await seedImage(server, "team/app", image, "v1");
    await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
    const remove = async (what: string): Promise<unknown> => {
      try {
        return await sink.remove(what, call);
      } catch (error) {
        return error instanceof EngineError ? `${error.code} ${error.hint?.split(" ").slice(0, 4).join(" ")}` : error;
      }
    };
    outcomes[deletion] = [
      await remove("v2"),
      await remove("v1"),
      await remove(name),
      await remove(name),
      await remove("a/b"),
    ];
  }
  assertEquals(outcomes, {
    all: [false, true, true, false, false],
    digests: [false, "UNSUPPORTED Remove the image by", true, false, false],
    none: [
      false,
      "UNSUPPORTED Remove the image by",
      "UNSUPPORTED Allow deletion in the",
      "UNSUPPORTED Allow deletion in the",
      false,
    ],
  });
});

Deno.test("has() takes a blob for absent that is kept where HEAD is not allowed", async () => {
  await using store = startRegistryServer();
  await using server = startRegistryServer();
  const location = `${store.origin}/signed`;
  server.inject({ method: "HEAD", path: /blobs/ }, answerWith(307, { location }));
  store.inject({}, answerWith(403));
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  assertEquals(await sink.has(big.descriptor, call), false);
});

Deno.test("has() takes a registry without HEAD for one that has nothing", async () => {
  await using server = startRegistryServer({ behaviour: { head: false } });
  await server.content.addBlob("team/app", big.bytes);
  await using sink = await (await registryHook()).sink(`${server.host}/team/app`, call);
  assertEquals(await sink.has(big.descriptor, call), false);
  server.inject({ method: "HEAD", times: 9 }, answerWith(500));
  assertEquals((await failureOf(() => sink.has(small.descriptor, call))).code, "REMOTE_FAILED");
});
