import { assert, assertEquals } from "@std/assert";
import { makeCertificate } from "../../tests/helpers/certificate.ts";
import { startHttpProxy } from "../../tests/helpers/http_proxy.ts";
import { failureOf, pushImage, readContent, resolveName } from "../../tests/helpers/registry_actions.ts";
import { makeImage, registryHook } from "../../tests/helpers/registry_fixture.ts";
import { startRegistryServer } from "../../tests/helpers/registry_server.ts";

const authority = await makeCertificate({ name: "Test authority" });
const tls = await makeCertificate({ name: "registry", issuer: authority, addresses: ["127.0.0.1"] });
const image = await makeImage("through a proxy", 400_000);

Deno.test("a registry without encryption is pushed to and pulled from through its proxy", async () => {
  for (const login of [undefined, { user: "ann", password: "p@ss:word" }]) {
    await using server = startRegistryServer();
    await using proxy = startHttpProxy(login);
    const settings = { plainHttp: true, proxy: proxy.url };
    const [hook, address] = [
      await registryHook({ registries: { [server.host]: settings } }),
      `${server.host}/team/app`,
    ];
    await pushImage(hook, { address, image, tags: ["v1"] });
    assertEquals(await readContent(hook, { address, descriptor: image.layer.descriptor }), image.layer.bytes);
    assert(proxy.lines.length > 0);
    assertEquals(
      proxy.lines.every((line) => line.includes(` http://${server.host}/v2/`)),
      true,
      proxy.lines.join("\n"),
    );
  }
});

Deno.test("a registry with encryption is pushed to and pulled from through a tunnel", async () => {
  const ca = await Deno.makeTempFile();
  await Deno.writeTextFile(ca, authority.cert);
  try {
    for (const login of [undefined, { user: "ann", password: "p@ss:word" }]) {
      for (const trust of [{ ca }, { insecure: true, plainHttp: false }]) {
        await using server = startRegistryServer({ tls });
        await using proxy = startHttpProxy(login);
        const hook = await registryHook({ registries: { [server.host]: { ...trust, proxy: proxy.url } } });
        const address = `${server.host}/team/app`;
        await pushImage(hook, { address, image, tags: ["v1"] });
        assertEquals(await readContent(hook, { address, descriptor: image.layer.descriptor }), image.layer.bytes);
        assertEquals(new Set(proxy.lines), new Set([`CONNECT ${server.host} HTTP/1.1`]));
      }
    }
  } finally {
    await Deno.remove(ca);
  }
});

Deno.test("a proxy that refuses rejects NETWORK_FAILED without its password", async () => {
  await using server = startRegistryServer({ tls });
  await using proxy = startHttpProxy({ user: "ann", password: "right" });
  const wrong = proxy.url.replace("right", "wrong-secret");
  for (const trust of [{ plainHttp: false }, { insecure: true, plainHttp: false }]) {
    const hook = await registryHook({ attempts: 1, registries: { [server.host]: { ...trust, proxy: wrong } } });
    const error = await failureOf(() => resolveName(hook, `${server.host}/team/app`, "v1"));
    assertEquals(error.code, "NETWORK_FAILED");
    assertEquals(JSON.stringify([error.message, error.detail, String(error.cause)]).includes("secret"), false);
  }
});

Deno.test("a host that does not answer rejects NETWORK_FAILED after a few attempts", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = `127.0.0.1:${listener.addr.port}`;
  listener.close();
  const error = await failureOf(async () => await resolveName(await registryHook(), `${host}/team/app`, "v1"));
  assertEquals([error.code, error.detail.host, error.detail.attempt], ["NETWORK_FAILED", host, 3]);
  assert(error.message.includes("refused"), error.message);
});

Deno.test("a port that browsers keep away from is used all the same", async () => {
  const error = await failureOf(async () =>
    await resolveName(await registryHook({ attempts: 1 }), "127.0.0.1:6666/team/app", "v1")
  );
  assertEquals(error.code, "NETWORK_FAILED");
  assert(!error.message.includes("blocked"), error.message);
});
