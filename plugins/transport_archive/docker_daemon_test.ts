import { assertEquals, assertStringIncludes } from "@std/assert";
import type { TransportHook } from "../../core/contract/mod.ts";
import { createKit } from "../../core/kit.ts";
import { transportConformance } from "../../tests/conformance/transport.ts";
import { type FakeEngine, startFakeEngine } from "../../tests/helpers/docker_engine.ts";
import { failureOf, pushImage, resolveName } from "../../tests/helpers/registry_actions.ts";
import { makeImage, quietCall } from "../../tests/helpers/registry_fixture.ts";
import { createTestHost } from "../../tests/helpers/test_host.ts";
import { readDockerHost } from "./docker_host.ts";
import transportArchive from "./mod.ts";

async function openHook(dockerHost: string): Promise<TransportHook> {
  const plugin = await transportArchive(createTestHost({ dockerHost }));
  const hook = plugin.transport?.find(({ schemes }) => schemes.includes("docker-daemon"));
  if (hook === undefined) throw new TypeError("the plugin has no docker-daemon");
  return hook;
}

async function withEngine(test: (hook: TransportHook, engine: FakeEngine) => Promise<void>): Promise<void> {
  await using engine = await startFakeEngine();
  await test(await openHook(engine.host), engine);
}

transportConformance("docker-daemon", async () => {
  const engine = await startFakeEngine();
  let count = 0;
  return {
    hook: await openHook(engine.host),
    holdsOne: true,
    listsUnnamed: true,
    namesItself: true,
    name: (text) => `docker.io/${text}`,
    address: () => `team/app${count++}:v1`,
    exists: (address) => Promise.resolve(engine.names().includes(address)),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
});

Deno.test("docker-daemon gives images the name of the address, or their own without one, and takes one only", async () => {
  await withEngine(async (hook, engine) => {
    const [one, two] = [await makeImage("one"), await makeImage("two")];
    await pushImage(hook, { address: "app", image: one, tags: ["quay.io/other:v9"] });
    await pushImage(hook, { address: "", image: two, tags: ["quay.io/own:v2", "docker.io/library/own:v3"] });
    assertEquals(engine.names(), ["app:latest", "own:v3", "quay.io/own:v2"]);
    const named = await resolveName(hook, "app", "docker.io/library/app:latest");
    assertEquals(named?.digest, one.manifest.descriptor.digest);
    await using sink = await hook.sink("app", quietCall);
    for (const image of [one, two]) {
      for (const blob of image.blobs) {
        await sink.put(blob.descriptor, () => Promise.resolve(new Blob([blob.bytes]).stream()), quietCall);
      }
    }
    await sink.tag(one.manifest.descriptor, "x", quietCall);
    const error = await failureOf(() => sink.tag(two.manifest.descriptor, "y", quietCall));
    assertEquals(error.code, "CONFLICT");
  });
});

Deno.test("docker-daemon passes on what the daemon says, and an error that comes with a status of success", async () => {
  await withEngine(async (hook, engine) => {
    const image = await makeImage("x");
    engine.answerNext(() => new Response('{"errorDetail":{"message":"no space"},"error":"no space"}\n'));
    const failed = await failureOf(() => pushImage(hook, { address: "app", image, tags: ["x"] }));
    assertEquals(
      [failed.code, failed.message],
      [
        "REMOTE_FAILED",
        'Cannot write image "docker.io/library/app:latest" to the Docker daemon: docker answered: no space',
      ],
    );
    engine.answerNext(() => Response.json({ message: "broken" }, { status: 500 }));
    const refused = await failureOf(() => hook.source("app", quietCall));
    assertEquals([refused.code, refused.detail["status"]], ["REMOTE_FAILED", 500]);
    engine.answerNext(() => new Response("no tar"));
    const wrong = await failureOf(() => hook.source("app", quietCall));
    assertEquals(wrong.code, "INVALID_ARGUMENT");
    assertStringIncludes(wrong.message, "docker-daemon:docker.io/library/app:latest");
  });
});

Deno.test("docker-daemon rejects NETWORK_FAILED without a daemon and for an answer that breaks off", async () => {
  const nobody = await openHook("unix:///nowhere/docker.sock");
  const error = await failureOf(() => nobody.source("app", quietCall));
  assertEquals([error.code, error.detail["host"]], ["NETWORK_FAILED", "/nowhere/docker.sock"]);
  assertStringIncludes(error.hint ?? "", "DOCKER_HOST");
  await withEngine(async (hook, engine) => {
    const breaking = (): Response =>
      new Response(
        new ReadableStream({
          start(controller): void {
            controller.enqueue(new Uint8Array(1000));
          },
          pull(controller): void {
            controller.error(new Error("gone"));
          },
        }, { highWaterMark: 0 }),
      );
    engine.answerNext(breaking);
    assertEquals((await failureOf(() => hook.source("app", quietCall))).code, "NETWORK_FAILED");
  });
});

Deno.test("docker-daemon refuses addresses that are no names to write to", async () => {
  await withEngine(async (hook) => {
    for (const address of [`app@sha256:${"a".repeat(64)}`, `sha256:${"a".repeat(64)}`, "Upper", "a b"]) {
      assertEquals([address, (await failureOf(() => hook.sink(address, quietCall))).code], [
        address,
        "INVALID_ARGUMENT",
      ]);
    }
  });
});

Deno.test("readDockerHost() reads sockets and ports, and refuses what it cannot reach", async () => {
  const kit = createKit();
  assertEquals(readDockerHost("unix:///run/docker.sock", kit), { socketPath: "/run/docker.sock" });
  assertEquals(readDockerHost("tcp://127.0.0.1:2376", kit), { hostname: "127.0.0.1", port: 2376 });
  assertEquals(readDockerHost("tcp://[::1]", kit), { hostname: "::1", port: 2375 });
  for (const [text, code] of [["ssh://root:secret@host", "UNSUPPORTED"], ["/run/x", "INVALID_ARGUMENT"]] as const) {
    const error = await failureOf(() => Promise.try(() => readDockerHost(text, kit)));
    assertEquals([error.code, error.message.includes("secret")], [code, false]);
  }
});
