import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { MediaType } from "../oci/media_type.ts";
import { readIndex } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { createMemoryRegistry, type MemoryRegistry } from "../../tests/helpers/memory_registry.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { copyImages } from "./copy.ts";
import { inspectManifest } from "./inspect_manifest.ts";
import { listTags } from "./list_tags.ts";
import { removeRemote } from "./remove_remote.ts";
import { readImages } from "./stored_image.ts";

const call = testCall();
const place = "localhost:5000/team/app";

async function withRegistry(test: (engine: TempEngine, registry: MemoryRegistry) => Promise<void>): Promise<void> {
  const registry = createMemoryRegistry();
  await using engine = await createTempEngine({ plugins: registry.plugins });
  await test(engine, registry);
}

/** Puts two tags and an index into a repository. */
async function fill(engine: TempEngine): Promise<void> {
  for (const tag of ["v1", "v2"]) {
    await putImage(engine.store, { layers: [{ [tag]: tag }], names: [`app:${tag}`] }, call);
    await copyImages(engine, { source: `app:${tag}`, target: `registry:${place}:${tag}` }, call);
  }
  const images = ["amd64", "arm64", "s390x"].map((architecture) => ({
    layers: [{ [architecture]: "x" }],
    platform: { os: "linux", architecture },
  }));
  await putIndex(engine.store, { images, names: ["app:multi"] }, call);
  await copyImages(engine, { source: "app:multi", target: `registry:${place}:multi` }, call);
}

Deno.test("copyImages() copies from registry to registry, mounts within one, and leaves the store alone", async () => {
  await withRegistry(async (engine, registry) => {
    await fill(engine);
    const before = (await Array.fromAsync(engine.store.blobs(call))).length;
    registry.log.length = 0;
    const inside = await copyImages(
      engine,
      { source: `registry:${place}:v1`, target: "registry:localhost:5000/b:x" },
      call,
    );
    assertEquals(registry.log.map((line) => line.split(" ")[0]).filter((verb) => verb !== "open"), [
      "mount",
      "mount",
      "put",
    ]);
    const outside = await copyImages(engine, { source: `docker://${place}:v1`, target: "registry:other.test/c" }, call);
    assertEquals(inside.images[0]?.descriptor, outside.images[0]?.descriptor);
    assertEquals(outside.images[0]?.name, "v1");
    assertEquals((await Array.fromAsync(engine.store.blobs(call))).length, before);
  });
});

Deno.test("copyImages() copies every tag when asked, and refuses one name for several", async () => {
  await withRegistry(async (engine, registry) => {
    await fill(engine);
    const { images } = await copyImages(engine, {
      source: `registry:${place}`,
      target: "registry:other.test/c",
      all: true,
    }, call);
    assertEquals(images.map(({ name }) => name), ["multi", "v1", "v2"]);
    assertEquals((await Array.fromAsync(registry.repository("other.test/c").names("", call))).length, 3);
    const error = await assertRejects(
      () => copyImages(engine, { source: `registry:${place}`, target: "registry:other.test/d:x", all: true }, call),
      EngineError,
    );
    assertEquals(error.code, "INVALID_ARGUMENT");
    const missing = await assertRejects(
      () => copyImages(engine, { source: `registry:${place}`, target: "registry:other.test/d" }, call),
      EngineError,
    );
    assertEquals(missing.code, "NOT_FOUND");
  });
});

Deno.test("copyImages() narrows an index for a registry to the platforms that are asked for", async () => {
  await withRegistry(async (engine, registry) => {
    await fill(engine);
    const platforms = ["amd64", "s390x"].map((architecture) => ({ os: "linux", architecture }));
    const source = `registry:${place}:multi`;
    const { images: [copied] } = await copyImages(engine, { source, target: "registry:other.test/m", platforms }, call);
    assert(copied !== undefined);
    const index = readIndex(await readDocument(registry.repository("other.test/m"), copied.descriptor, call));
    assertEquals(index.manifests.map(({ platform }) => platform?.architecture), ["amd64", "s390x"]);
    const one = await copyImages(
      engine,
      { source, target: "registry:other.test/o", platforms: platforms.slice(1) },
      call,
    );
    assertEquals(one.images[0]?.descriptor.mediaType, MediaType.manifest);
  });
});

Deno.test("copyImages() goes between registries, archives and the store", async () => {
  await withRegistry(async (engine) => {
    await fill(engine);
    const archive = `oci-archive:${engine.directory}/app.tar`;
    await copyImages(engine, { source: `registry:${place}:v1`, target: archive }, call);
    await copyImages(engine, { source: archive, target: "registry:other.test/from/archive" }, call);
    assertEquals(await Array.fromAsync(listTags(engine, { repository: "other.test/from/archive" }, call)), ["v1"]);
    await copyImages(engine, { source: archive, target: "store:" }, call);
    await copyImages(engine, { source: `registry:${place}:v2`, target: "store:mine:v2" }, call);
    const names = (await readImages(engine.store, call)).flatMap((image) => image.names);
    assert(names.includes(`${place}:v1`) && names.includes("docker.io/library/mine:v2"));
  });
});

Deno.test("listTags() gives the tags of a repository, no more than asked for", async () => {
  await withRegistry(async (engine) => {
    await fill(engine);
    assertEquals(await Array.fromAsync(listTags(engine, { repository: place }, call)), ["multi", "v1", "v2"]);
    assertEquals(await Array.fromAsync(listTags(engine, { repository: place, limit: 2 }, call)), ["multi", "v1"]);
  });
});

Deno.test("inspectManifest() reads index, manifest and config where they are", async () => {
  await withRegistry(async (engine, registry) => {
    await fill(engine);
    const typeOf = async (input: Parameters<typeof inspectManifest>[1]): Promise<string> =>
      (await inspectManifest(engine, input, call)).descriptor.mediaType;
    const platform = { os: "linux", architecture: "arm64" };
    registry.log.length = 0;
    assertEquals(await typeOf({ image: `${place}:multi` }), MediaType.index);
    assertEquals(registry.log.length, 1);
    assertEquals(await typeOf({ image: `${place}:multi`, platform }), MediaType.manifest);
    const { bytes } = await inspectManifest(engine, { image: `${place}:multi`, platform, config: true }, call);
    assertEquals(JSON.parse(new TextDecoder().decode(bytes)).architecture, "arm64");
    assertEquals(await typeOf({ image: "app:multi", local: true }), MediaType.index);
    assertEquals(await typeOf({ image: "store:app:v1" }), MediaType.manifest);
    const error = await assertRejects(() => typeOf({ image: "app:v1" }), EngineError);
    assertEquals(error.code, "NOT_FOUND");
  });
});

Deno.test("removeRemote() removes tags where they are, and goes on after one that is not", async () => {
  await withRegistry(async (engine) => {
    await fill(engine);
    const { actions, errors } = await removeRemote(engine, { images: [`${place}:v0`, `${place}:v1`] }, call);
    assertEquals(actions, [{ type: "untagged", name: `${place}:v1` }]);
    assertEquals(errors.map(({ code }) => code), ["NOT_FOUND"]);
    assertEquals(await Array.fromAsync(listTags(engine, { repository: place }, call)), ["multi", "v2"]);
  });
});

Deno.test("copyImages() brings what is about an image along, so that the other end lists it", async () => {
  await using engine = await createTempEngine();
  await putImage(engine.store, { layers: [{ a: "a" }], names: ["app:v1"] }, call);
  const [from, to] = [`${engine.directory}/from`, `${engine.directory}/to`];
  const { images } = await copyImages(engine, { source: "app:v1", target: `oci:${from}` }, call);
  const subject = images[0]?.descriptor;
  assert(subject !== undefined);
  const hook = await engine.host.transport("oci");
  {
    await using sink = await hook.sink(from, call);
    const put = async (mediaType: string, text: string): Promise<Descriptor> => {
      const bytes = new TextEncoder().encode(text);
      const descriptor = { mediaType, digest: await sha256(bytes), size: bytes.length };
      await sink.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
      return descriptor;
    };
    const config = await put(MediaType.empty, "{}");
    const about = {
      schemaVersion: 2,
      mediaType: MediaType.manifest,
      artifactType: "text/x",
      config,
      layers: [config],
      subject,
    };
    const manifest = await put(MediaType.manifest, JSON.stringify(about));
    await sink.tag(manifest, `@${manifest.digest}`, call);
    await sink.commit(call);
  }
  const copied = await copyImages(engine, {
    source: `oci:${from}`,
    target: `oci:${to}`,
    names: ["docker.io/library/app:v1"],
    referrers: true,
  }, call);
  assertEquals(copied.referrers, 1);
  await using source = await hook.source(to, call);
  assertEquals((await Array.fromAsync(source.referrers({ subject }, call))).length, 1);
});
