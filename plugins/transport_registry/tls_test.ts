import { assert, assertEquals } from "@std/assert";
import { makeCertificate } from "../../tests/helpers/certificate.ts";
import { failureOf, pushImage, readContent, resolveName, seedImage } from "../../tests/helpers/registry_actions.ts";
import { answerWith } from "../../tests/helpers/registry_fault.ts";
import { makeImage, registryHook } from "../../tests/helpers/registry_fixture.ts";
import { startRegistryServer } from "../../tests/helpers/registry_server.ts";

const authority = await makeCertificate({ name: "Test authority" });
const server = await makeCertificate({
  name: "registry",
  issuer: authority,
  addresses: ["127.0.0.1"],
  hosts: ["localhost"],
});
const image = await makeImage("encrypted", 400_000);

async function withFiles(run: (path: (text: string) => Promise<string>) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  let count = 0;
  try {
    await run(async (text) => {
      const path = `${folder}/${count++}.pem`;
      await Deno.writeTextFile(path, text);
      return path;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a registry with a certificate of the user's own authority is pushed to and pulled from", async () => {
  await withFiles(async (path) => {
    await using registry = startRegistryServer({ tls: server });
    const hook = await registryHook({ registries: { [registry.host]: { ca: await path(authority.cert) } } });
    const address = `${registry.host}/team/app`;
    await pushImage(hook, { address, image, tags: ["v1"] });
    assertEquals(await readContent(hook, { address, descriptor: image.layer.descriptor }), image.layer.bytes);
  });
});

Deno.test("a registry with an unknown certificate rejects NETWORK_FAILED and says why", async () => {
  await using registry = startRegistryServer({ tls: server });
  const error = await failureOf(async () => await resolveName(await registryHook(), `${registry.host}/team/app`, "v1"));
  assertEquals([error.code, registry.requests.length], ["NETWORK_FAILED", 0]);
  assert(/certificate|UnknownIssuer/.test(error.message), error.message);
});

Deno.test("a registry marked insecure is used whatever its certificate is", async () => {
  await using registry = startRegistryServer({ tls: server });
  const hook = await registryHook({ registries: { [registry.host]: { insecure: true } } });
  const address = `${registry.host}/team/app`;
  await pushImage(hook, { address, image, tags: ["v1"] });
  for (const { descriptor, bytes } of image.blobs) {
    assertEquals(await readContent(hook, { address, descriptor }), bytes);
  }
});

Deno.test("a registry on this machine is asked with encryption first and without it then", async () => {
  await using registry = startRegistryServer();
  await seedImage(registry, "team/app", image, "v1");
  assert(await resolveName(await registryHook(), `${registry.host}/team/app`, "v1"));
  const insecure = await registryHook({ registries: { [registry.host]: { insecure: true } } });
  assert(await resolveName(insecure, `${registry.host}/team/app`, "v1"));
  const strict = await registryHook({ registries: { [registry.host]: { plainHttp: false } } });
  assertEquals((await failureOf(() => resolveName(strict, `${registry.host}/team/app`, "v1"))).code, "NETWORK_FAILED");
});

Deno.test("a registry marked plainHttp is asked without encryption only", async () => {
  await using registry = startRegistryServer({ tls: server });
  const hook = await registryHook({ registries: { [registry.host]: { plainHttp: true } } });
  const error = await failureOf(() => resolveName(hook, `${registry.host}/team/app`, "v1"));
  assert(["NETWORK_FAILED", "REMOTE_FAILED"].includes(error.code));
  assertEquals(registry.requests.length, 0);
});

Deno.test("what the registry leads to is trusted by the same authority", async () => {
  await withFiles(async (path) => {
    await using store = startRegistryServer({ tls: server });
    await using registry = startRegistryServer({
      tls: server,
      behaviour: { blobOrigin: store.origin },
      content: store.content,
    });
    await seedImage(registry, "team/app", image, "v1");
    const hook = await registryHook({ registries: { [registry.host]: { ca: await path(authority.cert) } } });
    const from = { address: `${registry.host}/team/app`, descriptor: image.layer.descriptor };
    assertEquals(await readContent(hook, from), image.layer.bytes);
  });
});

Deno.test("less encryption is refused on the way", async () => {
  await withFiles(async (path) => {
    await using plain = startRegistryServer();
    await using registry = startRegistryServer({ tls: server });
    registry.inject(
      { path: /manifests/, times: 9 },
      answerWith(307, { location: `${plain.origin}/v2/team/app/manifests/v1` }),
    );
    const hook = await registryHook({ registries: { [registry.host]: { ca: await path(authority.cert) } } });
    const error = await failureOf(() => resolveName(hook, `${registry.host}/team/app`, "v1"));
    assertEquals([error.code, plain.requests.length], ["REMOTE_FAILED", 0]);
    const challenge = { "www-authenticate": `Bearer realm="${plain.origin}/token"` };
    registry.inject({}, answerWith(401, challenge));
    const other = await registryHook({ registries: { [registry.host]: { ca: await path(authority.cert) } } });
    assertEquals((await failureOf(() => resolveName(other, `${registry.host}/team/app`, "v1"))).code, "REMOTE_FAILED");
    assertEquals(plain.requests.length, 0);
  });
});

Deno.test("certificates are found in a directory of the host, as docker has them", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using registry = startRegistryServer({ tls: server });
    await seedImage(registry, "team/app", image, "v1");
    await Deno.mkdir(`${folder}/${registry.host}`);
    await Deno.writeTextFile(`${folder}/${registry.host}/ca.crt`, authority.cert);
    await Deno.writeTextFile(`${folder}/${registry.host}/client.cert`, server.cert);
    await Deno.writeTextFile(`${folder}/${registry.host}/client.key`, server.key);
    const hook = await registryHook({ certificateDirectories: [`${folder}/none`, folder] });
    assert(await resolveName(hook, `${registry.host}/team/app`, "v1"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("files that cannot be used are named", async () => {
  await withFiles(async (path) => {
    await using registry = startRegistryServer({ tls: server });
    const resolve = async (settings: Record<string, unknown>): Promise<string> => {
      const hook = await registryHook({ registries: { [registry.host]: settings } });
      const error = await failureOf(() => resolveName(hook, `${registry.host}/team/app`, "v1"));
      return `${error.code} ${error.message}`;
    };
    assertEquals(
      await resolve({ ca: "/no/such.pem" }),
      'OS_FAILED Cannot use certificate or key "/no/such.pem": it does not exist',
    );
    assert((await resolve({ clientKey: "/k.pem" })).startsWith("INVALID_ARGUMENT"));
    const text = await path("no certificate");
    assertEquals(
      await resolve({ ca: text }),
      `INVALID_ARGUMENT Cannot use certificate or key "${text}": it holds no PEM`,
    );
  });
});
