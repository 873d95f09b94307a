import { assert, assertEquals } from "@std/assert";
import type { EngineEvent } from "../../core/contract/mod.ts";
import { failureOf, pushImage, readContent, resolveName, seedImage } from "../../tests/helpers/registry_actions.ts";
import { answerWith, corruptAt } from "../../tests/helpers/registry_fault.ts";
import { makeImage, quietCall as call, registryHook } from "../../tests/helpers/registry_fixture.ts";
import { type RegistryServer, startRegistryServer } from "../../tests/helpers/registry_server.ts";

const image = await makeImage("mirrored");
const { descriptor } = image.layer;

interface Pair extends AsyncDisposable {
  readonly mirror: RegistryServer;
  readonly origin: RegistryServer;
  readonly registries: Readonly<Record<string, unknown>>;
  readonly address: string;
}

/** A registry with an image, and a mirror of it that has the same below `hub/`. */
async function startPair(): Promise<Pair> {
  const [mirror, origin] = [startRegistryServer(), startRegistryServer()];
  await seedImage(origin, "team/app", image, "v1");
  await seedImage(mirror, "hub/team/app", image, "v1");
  return {
    mirror,
    origin,
    registries: { [origin.host]: { mirrors: [`${mirror.host}/hub`] } },
    address: `${origin.host}/team/app`,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await mirror[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

Deno.test("what a mirror has is read there, told whose it is, and nothing is asked of the registry", async () => {
  await using pair = await startPair();
  const hook = await registryHook({ registries: pair.registries });
  assert(await resolveName(hook, pair.address, "v1"));
  for (const { descriptor, bytes } of image.blobs) {
    assertEquals(await readContent(hook, { address: pair.address, descriptor }), bytes);
  }
  await using source = await hook.source(pair.address, call);
  assertEquals(await Array.fromAsync(source.list("", call)), ["v1"]);
  assertEquals(pair.origin.requests.length, 0);
  const queries = pair.mirror.requests.filter(({ path }) => path.includes("manifests")).map(({ query }) => query);
  assertEquals(new Set(queries), new Set([`?ns=${encodeURIComponent(pair.origin.host)}`]));
});

Deno.test("what a mirror does not have, or fails to give, is read from the registry", async () => {
  for (const status of [401, 403, 404, 410, 500, 503]) {
    await using pair = await startPair();
    pair.mirror.inject({ times: 99 }, answerWith(status));
    const hook = await registryHook({ attempts: 1, registries: pair.registries });
    assert(await resolveName(hook, pair.address, "v1"), String(status));
    assertEquals(await readContent(hook, { address: pair.address, descriptor }), image.layer.bytes);
  }
});

Deno.test("a mirror that cannot be reached is not asked again", async () => {
  await using pair = await startPair();
  await pair.mirror[Symbol.asyncDispose]();
  const hook = await registryHook({ attempts: 1, registries: pair.registries });
  await using source = await hook.source(pair.address, call);
  assert(await source.resolve("v1", call));
  assert(await source.resolve("v1", call));
});

Deno.test("a mirror that gives another manifest than its digest says is passed over", async () => {
  await using pair = await startPair();
  pair.mirror.inject({ method: "GET", path: /manifests/ }, corruptAt(5));
  const hook = await registryHook({ registries: pair.registries });
  const from = { address: pair.address, descriptor: image.manifest.descriptor };
  assertEquals(await readContent(hook, from), image.manifest.bytes);
});

Deno.test("a mirror that fails is told of once, one that does not have it never", async () => {
  await using pair = await startPair();
  const hook = await registryHook({ attempts: 1, registries: pair.registries });
  const warnings: string[] = [];
  const telling = { ...call, emit: (event: EngineEvent) => event.type === "warning" ? warnings.push(event.code) : 0 };
  await using source = await hook.source(pair.address, telling);
  assertEquals(await source.resolve("v9", telling), undefined);
  assertEquals(warnings, []);
  pair.mirror.inject({ times: 99 }, answerWith(500));
  for (const name of ["v1", "v1"]) assert(await source.resolve(name, telling));
  assertEquals(warnings, ["MirrorFailed"]);
});

Deno.test("the registry's failure is told when nobody has it", async () => {
  await using pair = await startPair();
  const hook = await registryHook({ attempts: 1, registries: pair.registries });
  assertEquals(await resolveName(hook, pair.address, "v2"), undefined);
  pair.origin.inject({ times: 99 }, answerWith(403));
  assertEquals((await failureOf(() => resolveName(hook, pair.address, "v2"))).code, "DENIED");
});

Deno.test("a login goes to its own host only", async () => {
  await using pair = await startPair();
  await using mirror = startRegistryServer({ login: { type: "basic", users: { ann: "secret" } } });
  await seedImage(mirror, "team/app", image, "v1");
  const registries = { [pair.origin.host]: { mirrors: [mirror.host] } };
  const hook = await registryHook({ attempts: 1, registries }, {
    [pair.origin.host]: { username: "ann", secret: "secret" },
  });
  assert(await resolveName(hook, pair.address, "v1"));
  assertEquals(mirror.requests.some(({ headers }) => headers.has("authorization")), false);
  assert(pair.origin.requests.length > 0);
});

Deno.test("images are pushed to the registry, not to its mirrors", async () => {
  await using pair = await startPair();
  const other = await makeImage("pushed");
  await pushImage(await registryHook({ registries: pair.registries }), {
    address: pair.address,
    image: other,
    tags: ["v2"],
  });
  assertEquals(pair.mirror.requests.length, 0);
  assertEquals(pair.origin.content.repository("team/app").tags.get("v2"), other.manifest.descriptor.digest);
});

Deno.test("a blocked registry, and one with a blocked mirror, is not asked", async () => {
  await using pair = await startPair();
  for (const host of [pair.origin.host, pair.mirror.host]) {
    const own = pair.registries[pair.origin.host] ?? {};
    const registries = {
      [pair.origin.host]: own,
      [host]: { ...(host === pair.origin.host ? own : {}), blocked: true },
    };
    const hook = await registryHook({ registries });
    assertEquals((await failureOf(() => hook.source(pair.address, call))).code, "DENIED");
  }
  assertEquals([pair.origin.requests.length, pair.mirror.requests.length], [0, 0]);
});
