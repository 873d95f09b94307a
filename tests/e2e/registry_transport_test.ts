/** The registry transport against Debian's docker-registry, reached in every way that it can be. */
import { assert, assertEquals } from "@std/assert";
import { transportConformance } from "../conformance/transport.ts";
import { startCuttingProxy } from "../helpers/cutting_proxy.ts";
import { failureOf, pushBlob, pushImage, readContent, resolveName, seedImage } from "../helpers/registry_actions.ts";
import {
  fill,
  makeBlob,
  makeImage,
  makeManifest,
  quietCall as call,
  registryHook,
} from "../helpers/registry_fixture.ts";
import { registryKinds, registryUser, startRegistryPlace } from "../helpers/registry_place.ts";
import { startRegistry } from "../helpers/registry_process.ts";
import { startRegistryServer } from "../helpers/registry_server.ts";
import { startHttpProxy } from "../helpers/http_proxy.ts";
import { mustRun, tempFolder } from "../helpers/strata.ts";
import { isMissing, peers } from "../helpers/require.ts";

const ignore = isMissing(peers.dockerRegistry);

for (const kind of ignore ? [] : registryKinds) {
  transportConformance(`registry, docker-registry by ${kind},`, async () => {
    const place = await startRegistryPlace(kind);
    const hook = await registryHook(place.config, place.logins);
    let count = 0;
    return {
      hook,
      holdsOne: false,
      listsUnnamed: false,
      name: (text) => text.replace(/[/:]/g, "-"),
      address: () => `${place.registry.host}/team/image${count++}`,
      exists: async (address) => {
        await using source = await hook.source(address, call);
        return (await Array.fromAsync(source.list("", call)).catch(() => [])).length > 0;
      },
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  });
}

Deno.test({ name: "docker-registry by tokens gives a public image to anyone, and nothing else", ignore }, async () => {
  await using place = await startRegistryPlace("tokens");
  const { host } = place.registry;
  const owner = await registryHook(place.config, place.logins);
  const image = await makeImage("public");
  for (const repository of ["public/app", "team/app"]) {
    await pushImage(owner, { address: `${host}/${repository}`, image, tags: ["v1"] });
  }
  const anyone = await registryHook();
  assert(await resolveName(anyone, `${host}/public/app`, "v1"));
  const refused = [
    await failureOf(() => resolveName(anyone, `${host}/team/app`, "v1")),
    await failureOf(async () => await pushBlob(anyone, `${host}/public/app`, await makeBlob("a/b", fill("new", 9)))),
    await failureOf(async () =>
      await resolveName(await registryHook({}, { [host]: { username: "ann", secret: "no" } }), `${host}/team/app`, "v1")
    ),
  ];
  assertEquals(
    refused.map(({ code, hint }) => [code, hint]),
    refused.map(() => ["UNAUTHORIZED", `Log in with strata login ${host}`]),
  );
});

Deno.test({ name: "docker-registry takes right logins and no wrong ones", ignore }, async () => {
  for (const kind of ["htpasswd", "tokens"] as const) {
    await using place = await startRegistryPlace(kind);
    const hook = await registryHook();
    const { host } = place.registry;
    assertEquals(await hook.login(host, registryUser, call), registryUser);
    assertEquals(
      (await failureOf(() => hook.login(host, { ...registryUser, secret: "x" }, call))).code,
      "UNAUTHORIZED",
    );
  }
});

Deno.test({ name: "docker-registry mounts blobs of another repository", ignore }, async () => {
  for (const kind of ["plain http", "tokens"] as const) {
    await using place = await startRegistryPlace(kind);
    const { host } = place.registry;
    const hook = await registryHook(place.config, place.logins);
    const blob = await makeBlob("application/octet-stream", fill("mount", 100_000));
    await pushBlob(hook, `${host}/team/base`, blob);
    await using sink = await hook.sink(`${host}/team/app`, call);
    assertEquals(await sink.mount(blob.descriptor, `${host}/team/base`, call), true, kind);
    assertEquals(await sink.mount(blob.descriptor, `${host}/team/none`, call), true);
    assertEquals(await readContent(hook, { address: `${host}/team/app`, descriptor: blob.descriptor }), blob.bytes);
  }
});

// Before version 3 it gives up an upload that was cut when it is asked where it stands (distribution/distribution#3755), so that
// blobs begin anew; where a registry knows, they go on, as plugins/transport_registry/upload_test.ts shows.
Deno.test({ name: "docker-registry gets a blob whose upload was cut twice", ignore }, async () => {
  await using registry = await startRegistry();
  await using proxy = startCuttingProxy(registry.host);
  const blob = await makeBlob("application/octet-stream", fill("cut upload", 20_000_000));
  for (const afterBytes of [8_000_000, 3_000_000]) proxy.cut({ direction: "up", afterBytes });
  const hook = await registryHook();
  await pushBlob(hook, `${proxy.host}/team/app`, blob);
  const from = { address: `${registry.host}/team/app`, descriptor: blob.descriptor };
  assertEquals(await readContent(hook, from), blob.bytes);
});

Deno.test({ name: "docker-registry gives the rest of a blob whose download was cut", ignore }, async () => {
  await using registry = await startRegistry();
  await using proxy = startCuttingProxy(registry.host);
  const blob = await makeBlob("application/octet-stream", fill("cut download", 20_000_000));
  const hook = await registryHook();
  await pushBlob(hook, `${registry.host}/team/app`, blob);
  for (const afterBytes of [8_000_000, 3_000_000, 1]) proxy.cut({ direction: "down", afterBytes });
  assertEquals(await readContent(hook, { address: `${proxy.host}/team/app`, descriptor: blob.descriptor }), blob.bytes);
});

Deno.test({ name: "docker-registry takes a blob in parts", ignore }, async () => {
  await using registry = await startRegistry();
  const blob = await makeBlob("application/octet-stream", fill("parts", 5_000_001));
  const hook = await registryHook({ registries: { [registry.host]: { chunkBytes: 1_000_000 } } });
  await pushBlob(hook, `${registry.host}/team/app`, blob);
  assertEquals(
    await readContent(hook, { address: `${registry.host}/team/app`, descriptor: blob.descriptor }),
    blob.bytes,
  );
});

Deno.test({ name: "docker-registry keeps referrers under a tag, and deletes by digest", ignore }, async () => {
  await using registry = await startRegistry();
  const [hook, address] = [await registryHook(), `${registry.host}/team/app`];
  const image = await makeImage("signed");
  const subject = image.manifest.descriptor;
  const signature = await makeManifest({
    artifactType: "a/signature",
    config: image.config.descriptor,
    layers: [],
    subject,
  });
  await pushImage(hook, {
    address,
    image: { blobs: [...image.blobs, signature], manifest: image.manifest },
    tags: ["v1"],
  });
  await using source = await hook.source(address, call);
  const list = async (): Promise<string[]> =>
    (await Array.fromAsync(source.referrers({ subject, artifactType: "a/signature" }, call))).map(({ digest }) =>
      digest
    );
  assertEquals(await list(), [signature.descriptor.digest]);
  await using sink = await hook.sink(address, call);
  assertEquals((await failureOf(() => sink.remove("v1", call))).code, "UNSUPPORTED");
  assertEquals(await sink.remove(`@${signature.descriptor.digest}`, call), true);
  assertEquals(await list(), []);
  assertEquals(await sink.remove(`@${subject.digest}`, call), true);
  assertEquals([await source.resolve("v1", call), await source.resolve(subject.digest, call)], [undefined, undefined]);
});

Deno.test({ name: "docker-registry lists many tags over pages", ignore }, async () => {
  await using registry = await startRegistry();
  const [hook, address] = [await registryHook(), `${registry.host}/team/app`];
  const tags = Array.from({ length: 120 }, (_, at) => `v${at}`);
  await pushImage(hook, { address, image: await makeImage("many"), tags });
  await using source = await hook.source(address, call);
  assertEquals(await Array.fromAsync(source.list("", call)), tags.sort());
  assertEquals((await Array.fromAsync(source.names("v11", call))).length, 11);
});

Deno.test("a registry on this machine is asked directly, whatever proxy the environment names", async () => {
  await using server = startRegistryServer();
  const image = await makeImage("direct");
  await seedImage(server, "team/app", image, "v1");
  await using folder = await tempFolder();
  await using proxy = startHttpProxy();
  const env = { http_proxy: proxy.url, https_proxy: proxy.url, NO_PROXY: "", no_proxy: "", DENO_NO_UPDATE_CHECK: "1" };
  const output = await mustRun({ root: folder.path, env }, "tags", "ls", `${server.host}/team/app`);
  assertEquals([output.stdout.includes("v1"), proxy.lines], [true, []]);
});
