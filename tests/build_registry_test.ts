/** Builds whose base images are in registries, and whose results go there. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../core/errors.ts";
import { copyImages } from "../core/image/copy.ts";
import { parseNamedContext } from "../core/image/context_source.ts";
import { readManifest } from "../core/oci/validate.ts";
import { readDocument } from "../core/store/graph.ts";
import { build, buildOne, filesOf, namesOf } from "./helpers/build_project.ts";
import { putImage } from "./helpers/image_fixture.ts";
import { createMemoryRegistry, type MemoryRegistry } from "./helpers/memory_registry.ts";
import { createTempEngine, type TempEngine, testCall } from "./helpers/temp_engine.ts";
import { writeFiles } from "./helpers/write_files.ts";

const call = testCall();
const base = "localhost:5000/base";

/** A registry with a base image of two compressed layers, and an engine with nothing. */
async function withBase(test: (engine: TempEngine, registry: MemoryRegistry) => Promise<void>): Promise<void> {
  const registry = createMemoryRegistry();
  await offerBase(registry, "1");
  await using engine = await createTempEngine({ plugins: registry.plugins });
  registry.log.length = 0;
  await test(engine, registry);
}

async function offerBase(registry: MemoryRegistry, text: string): Promise<void> {
  await using engine = await createTempEngine({ plugins: registry.plugins });
  const layers = [{ "etc/base": text }, { "etc/more": text }];
  await putImage(engine.store, { layers, names: ["base"], exec: { Env: [`TEXT=${text}`] } }, call);
  await copyImages(engine, { source: "base", target: `registry:${base}:latest` }, call);
}

const opened = ({ log }: MemoryRegistry): number => log.filter((line) => line.startsWith("open")).length;

Deno.test("buildImage() fetches manifest and config of a base, and its layers when they are needed", async () => {
  await withBase(async (engine, registry) => {
    await writeFiles(engine.directory, { Dockerfile: `FROM ${base}\nENV A=b\n` });
    await build(engine, { outputs: [{ type: "cacheonly" }] });
    assertEquals(opened(registry), 2);
    const image = await buildOne(engine, { tags: ["app"] });
    assertEquals(opened(registry), 4);
    const [platform] = image.platforms;
    assert(platform !== undefined);
    assertEquals((await filesOf(engine, platform.manifest))["etc/more"], "1");
    await buildOne(engine, { tags: ["app"] });
    assertEquals(opened(registry), 4);
    assertEquals(await namesOf(engine, "ref/"), ["ref/docker.io/library/app:latest"]);
  });
});

Deno.test("buildImage() pushes an image whose base layers it never had, by having them mounted", async () => {
  await withBase(async (engine, registry) => {
    await writeFiles(engine.directory, { Dockerfile: `FROM ${base}\nENV A=b\n` });
    const tags = ["localhost:5000/team/app:v1"];
    const image = await buildOne(engine, { tags, outputs: [{ type: "registry", push: {} }] });
    assertEquals([image.isStored, image.pushed], [false, tags]);
    assertEquals(registry.log.map((line) => line.split(" ")[0]), ["open", "open", "mount", "mount", "put", "put"]);
    assertEquals(await namesOf(engine, "ref/"), []);
    const store = registry.repository("localhost:5000/team/app");
    assertEquals((await store.resolve("v1", call))?.digest, image.digest);
    const manifest = readManifest(await readDocument(store, image.descriptor, call));
    assertEquals(manifest.layers.length, 2);
  });
});

Deno.test("buildImage() pushes the same image again when nothing has changed, though it does not keep it", async () => {
  await withBase(async (engine) => {
    await writeFiles(engine.directory, { Dockerfile: `FROM ${base}\nCOPY Dockerfile /\nENV A=b\n` });
    const input = { tags: ["localhost:5000/team/app:v1"], outputs: [{ type: "registry", push: {} }] } as const;
    const first = await buildOne(engine, input);
    const again = await buildOne(engine, input);
    assertEquals([first.isStored, again.digest], [false, first.digest]);
  });
});

Deno.test("buildImage() sends base layers to another registry, and keeps and pushes one image at once", async () => {
  await withBase(async (engine, registry) => {
    await writeFiles(engine.directory, { Dockerfile: `FROM ${base}\nCOPY Dockerfile /\n` });
    const tags = ["other.test/app:v1"];
    const image = await buildOne(engine, { tags, outputs: [{ type: "image", push: { compression: "zstd" } }] });
    assertEquals([image.isStored, image.pushed], [true, tags]);
    const store = registry.repository("other.test/app");
    const { layers } = readManifest(await readDocument(store, image.descriptor, call));
    assertEquals(layers.map(({ mediaType }) => mediaType.split("+")[1]), ["gzip", "gzip", "zstd"]);
    for (const layer of layers) assert(await store.has(layer, call));
  });
});

Deno.test("buildImage() asks the registry again only when told, and then takes what is there", async () => {
  await withBase(async (engine, registry) => {
    await writeFiles(engine.directory, { Dockerfile: `FROM ${base}\nENV A=b\n` });
    await copyImages(engine, { source: `registry:${base}`, target: "store:" }, call);
    await offerBase(registry, "2");
    registry.log.length = 0;
    const envOf = async (pull: boolean): Promise<string | undefined> => {
      const { image } = await build(engine, { pull, tags: ["app"] });
      const [platform] = image?.platforms ?? [];
      assert(platform !== undefined);
      return (await filesOf(engine, platform.manifest))["etc/base"];
    };
    assertEquals([await envOf(false), opened(registry)], ["1", 0]);
    assertEquals(await envOf(true), "2");
  });
});

Deno.test("buildImage() takes images in registries for COPY --from and for named contexts, and short names", async () => {
  const registry = createMemoryRegistry();
  await offerBase(registry, "1");
  await using engine = await createTempEngine({ plugins: registry.plugins, config: { aliases: { short: base } } });
  await writeFiles(engine.directory, {
    Dockerfile: `FROM scratch\nCOPY --from=short /etc/base /a\nCOPY --from=named /etc/more /b\n`,
  });
  const { name, context } = parseNamedContext(`named=docker-image://${base}:latest`);
  const image = await buildOne(engine, { contexts: { [name]: context } });
  const [platform] = image.platforms;
  assert(platform !== undefined);
  assertEquals(await filesOf(engine, platform.manifest), { a: "1", b: "1" });
});

Deno.test("buildImage() rejects a push without a name before anything is built", async () => {
  await withBase(async (engine, registry) => {
    await writeFiles(engine.directory, { Dockerfile: `FROM ${base}\n` });
    const error = await assertRejects(() => build(engine, { outputs: [{ type: "registry", push: {} }] }), EngineError);
    assertEquals([error.code, registry.log], ["INVALID_ARGUMENT", []]);
  });
});
