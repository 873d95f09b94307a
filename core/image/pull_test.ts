import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import { formatPlatform, hostPlatform } from "../oci/platform.ts";
import { NamePrefix, stripStoreAnnotations } from "../store/names.ts";
import { type ImageFixture, putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { createMemoryRegistry, type MemoryRegistry } from "../../tests/helpers/memory_registry.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { copyGraph } from "./copy_graph.ts";
import { inspectImages } from "./inspect.ts";
import { listImages } from "./list.ts";
import { pullImage } from "./pull.ts";

const call = testCall();
const app: ImageFixture = { layers: [{ a: "1" }, { b: "2" }], gzip: true };
const other = formatPlatform(hostPlatform()) === "linux/arm64" ? "amd64" : "arm64";

/** Puts an image into a repository; gives its digest and ID. */
async function offer(registry: MemoryRegistry, address: string, tag: string, fixture = app): Promise<string[]> {
  await using engine = await createTempEngine();
  const { descriptor, id } = await putImage(engine.store, fixture, call);
  const root = stripStoreAnnotations(descriptor);
  await copyGraph({ from: engine.store, to: registry.repository(address), root, platforms: [] }, call);
  await registry.repository(address).tag(root, tag, call);
  return [root.digest, id];
}

async function offerIndex(registry: MemoryRegistry, address: string, tag: string): Promise<string> {
  await using engine = await createTempEngine();
  const images = [app, { layers: [{ a: "other" }], platform: { os: "linux", architecture: other } }];
  const { descriptor } = await putIndex(engine.store, { images }, call);
  const root = stripStoreAnnotations(descriptor);
  await copyGraph({ from: engine.store, to: registry.repository(address), root, platforms: [] }, call);
  await registry.repository(address).tag(root, tag, call);
  return root.digest;
}

Deno.test("pullImage() names an image as it is in its registry, and says when nothing is new", async () => {
  const registry = createMemoryRegistry();
  await using engine = await createTempEngine({ plugins: registry.plugins });
  const [digest, id] = await offer(registry, "docker.io/library/app", "latest");
  const first = await pullImage(engine, { reference: "app" }, call);
  assertEquals(first.images, [
    { name: "docker.io/library/app:latest", familiar: "app:latest", id, digest, isNew: true } as never,
  ]);
  assertEquals((await listImages(engine, {}, call)).rows.map((row) => [row.repository, row.digest]), [["app", digest]]);
  const opened = registry.log.length;
  const again = await pullImage(engine, { reference: "app" }, call);
  assertEquals([again.images[0]?.isNew, registry.log.length - opened], [false, 0]);
});

Deno.test("pullImage() takes a digest, and lists the image below its repository", async () => {
  const registry = createMemoryRegistry();
  await using engine = await createTempEngine({ plugins: registry.plugins });
  const [digest] = await offer(registry, "localhost:5000/team/app", "v1");
  const { images } = await pullImage(engine, { reference: `localhost:5000/team/app:v9@${digest}` }, call);
  assertEquals(images[0]?.name, `localhost:5000/team/app@${digest}`);
  const { rows } = await listImages(engine, { all: true }, call);
  assertEquals(rows.map(({ repository, tag }) => [repository, tag]), [["localhost:5000/team/app", undefined]]);
});

Deno.test("pullImage() fetches every tag", async () => {
  const registry = createMemoryRegistry();
  await using engine = await createTempEngine({ plugins: registry.plugins });
  for (const tag of ["v1", "v2"]) {
    await offer(registry, "localhost:5000/app", tag, { ...app, layers: [{ [tag]: tag }] });
  }
  const { images } = await pullImage(engine, { reference: "localhost:5000/app", allTags: true }, call);
  assertEquals(images.map(({ familiar }) => familiar), ["localhost:5000/app:v1", "localhost:5000/app:v2"]);
});

Deno.test("pullImage() keeps an index with the wanted platform, or all of it", async () => {
  const registry = createMemoryRegistry();
  const digest = await offerIndex(registry, "docker.io/library/multi", "latest");
  const platformsOf = async (input: { platforms?: []; allPlatforms?: boolean }): Promise<unknown> => {
    await using engine = await createTempEngine({ plugins: registry.plugins });
    const { images } = await pullImage(engine, { reference: "multi", ...input }, call);
    assertEquals(images[0]?.digest, digest);
    const { images: [inspected] } = await inspectImages(engine, { images: ["multi"] }, call);
    assert(inspected !== undefined);
    return (await listImages(engine, {}, call)).rows[0]?.platform;
  };
  assertEquals(await platformsOf({}), formatPlatform(hostPlatform()));
  assertEquals(await platformsOf({ allPlatforms: true }), `${formatPlatform(hostPlatform())},linux/${other}`);
});

Deno.test("pullImage() rejects unknown images and platforms and names nothing", async () => {
  const registry = createMemoryRegistry();
  await using engine = await createTempEngine({ plugins: registry.plugins });
  await offer(registry, "docker.io/library/app", "latest");
  const platforms = [{ os: "linux", architecture: "s390x" }];
  for (const input of [{ reference: "app:v2" }, { reference: "nothing" }, { reference: "app", platforms }]) {
    const error = await assertRejects(() => pullImage(engine, input, call), EngineError);
    assertEquals(error.code, "NOT_FOUND");
  }
  assertEquals(await Array.fromAsync(engine.store.names(NamePrefix.reference, call)), []);
});

Deno.test("pullImage() writes short names out, and remembers where layers are from", async () => {
  const registry = createMemoryRegistry();
  const aliases = { base: "registry.example.com/mirror/base" };
  await using engine = await createTempEngine({ plugins: registry.plugins, config: { aliases } });
  await offer(registry, aliases.base, "v1");
  const { images } = await pullImage(engine, { reference: "base:v1" }, call);
  assertEquals(images[0]?.name, `${aliases.base}:v1`);
  const origins = await Array.fromAsync(engine.store.names("origin/", call));
  assertEquals(origins.every(({ name }) => name.endsWith("/registry.example.com")), true);
  assertEquals(origins.map(({ descriptor }) => descriptor.annotations?.["strata.origin.repositories"]), [
    "mirror/base",
    "mirror/base",
    "mirror/base",
  ]);
});
