import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MediaType } from "../oci/media_type.ts";
import { formatPlatform, hostPlatform } from "../oci/platform.ts";
import { readIndex, readManifest } from "../oci/validate.ts";
import { readDocument } from "../store/graph.ts";
import { collectGarbage } from "../store/collect.ts";
import { type ImageFixture, putImage, putIndex } from "../../tests/helpers/image_fixture.ts";
import { createMemoryRegistry, type MemoryRegistry } from "../../tests/helpers/memory_registry.ts";
import { createTempEngine, type TempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { pullImage } from "./pull.ts";
import { pushImage } from "./push.ts";
import { removeImages } from "./remove.ts";
import { tagImage } from "./tag.ts";

const call = testCall();
const name = "localhost:5000/team/app";
const other = formatPlatform(hostPlatform()) === "linux/arm64" ? "amd64" : "arm64";

function fixture(names: readonly string[], text = "1"): ImageFixture {
  return { layers: [{ "a.txt": text.repeat(5000) }, { b: "2" }], names };
}

async function openEngine(registry: MemoryRegistry): Promise<TempEngine> {
  return await createTempEngine({ plugins: registry.plugins });
}

async function manifestOf(registry: MemoryRegistry, descriptor: Descriptor): Promise<ReturnType<typeof readManifest>> {
  return readManifest(await readDocument(registry.repository(name), descriptor, call), descriptor.mediaType);
}

Deno.test("pushImage() compresses plain layers once and gives the same digest every time", async () => {
  const registry = createMemoryRegistry();
  await using engine = await openEngine(registry);
  const image = await putImage(engine.store, fixture([`${name}:v1`]), call);
  const first = await pushImage(engine, { reference: `${name}:v1` }, call);
  const [pushed] = first.images;
  assert(pushed !== undefined);
  const manifest = await manifestOf(registry, pushed.descriptor);
  assertEquals([manifest.config.digest, manifest.layers.map(({ mediaType }) => mediaType)], [
    image.id,
    [MediaType.layerGzip, MediaType.layerGzip],
  ]);
  const puts = registry.log.length;
  assertEquals(await pushImage(engine, { reference: `${name}:v1` }, call), first);
  assertEquals(registry.log.length, puts);
  await using second = await openEngine(registry);
  await putImage(second.store, fixture([`${name}:v1`]), call);
  assertEquals(await pushImage(second, { reference: `${name}:v1` }, call), first);
});

Deno.test("pushImage() pushes what was pulled to the digest it came with", async () => {
  const registry = createMemoryRegistry();
  await using engine = await openEngine(registry);
  await putImage(engine.store, fixture([`${name}:v1`]), call);
  const [pushed] = (await pushImage(engine, { reference: `${name}:v1` }, call)).images;
  await using second = await openEngine(registry);
  const [pulled] = (await pullImage(second, { reference: `${name}:v1` }, call)).images;
  await tagImage(second, { source: `${name}:v1`, target: "localhost:5000/elsewhere:v2" }, call);
  const [again] = (await pushImage(second, { reference: "localhost:5000/elsewhere:v2" }, call)).images;
  assertEquals([pulled?.digest, again?.descriptor.digest], [pushed?.descriptor.digest, pushed?.descriptor.digest]);
  assertEquals(registry.log.filter((line) => line.startsWith("mount")).length, 3);
});

Deno.test("pushImage() leaves plain layers that were pulled, unless a compression is asked for", async () => {
  const registry = createMemoryRegistry();
  await using maker = await openEngine(registry);
  await putImage(maker.store, fixture([`${name}:v1`]), call);
  const [plain] = (await pushImage(maker, { reference: `${name}:v1`, compression: "none" }, call)).images;
  const [packed] = (await pushImage(maker, { reference: `${name}:v1` }, call)).images;
  assert(plain !== undefined && packed?.descriptor.digest !== plain.descriptor.digest);
  await registry.repository(name).tag(plain.descriptor, "v1", call);
  await using engine = await openEngine(registry);
  await pullImage(engine, { reference: `${name}:v1` }, call);
  await tagImage(engine, { source: `${name}:v1`, target: "other.test/app:v1" }, call);
  const push = async (compression?: "gzip"): Promise<string | undefined> => {
    const asked = compression === undefined ? {} : { compression };
    return (await pushImage(engine, { reference: "other.test/app:v1", ...asked }, call)).images[0]?.descriptor.digest;
  };
  assertEquals([await push(), await push("gzip")], [plain.descriptor.digest, packed?.descriptor.digest]);
});

Deno.test("pushImage() uses zstd, other levels or none when asked", async () => {
  const registry = createMemoryRegistry();
  await using engine = await openEngine(registry);
  await putImage(engine.store, fixture([`${name}:v1`]), call);
  const typesWith = async (
    options: Pick<Parameters<typeof pushImage>[1], "compression" | "compressionLevel">,
  ): Promise<string[]> => {
    const [pushed] = (await pushImage(engine, { reference: `${name}:v1`, ...options }, call)).images;
    assert(pushed !== undefined);
    return (await manifestOf(registry, pushed.descriptor)).layers.map(({ mediaType }) => mediaType);
  };
  assertEquals(await typesWith({ compression: "zstd" }), [MediaType.layerZstd, MediaType.layerZstd]);
  assertEquals(await typesWith({ compression: "none" }), [MediaType.layer, MediaType.layer]);
  assertEquals(await typesWith({ compressionLevel: 1 }), [MediaType.layerGzip, MediaType.layerGzip]);
  for (const options of [{ compressionLevel: 10 }, { compression: "none", compressionLevel: 1 }] as const) {
    const error = await assertRejects(() => typesWith(options), EngineError);
    assertEquals(error.code, "INVALID_ARGUMENT");
  }
});

Deno.test("pushImage() keeps compressed layers as long as the image, and no longer", async () => {
  const registry = createMemoryRegistry();
  await using engine = await openEngine(registry);
  await putImage(engine.store, fixture([`${name}:v1`]), call);
  await pushImage(engine, { reference: `${name}:v1` }, call);
  await collectGarbage(engine.store, call);
  assertEquals((await Array.fromAsync(engine.store.names("compressed/", call))).length, 2);
  await removeImages(engine, { images: [`${name}:v1`] }, call);
  assertEquals(await Array.fromAsync(engine.store.names("", call)), []);
  assertEquals(await Array.fromAsync(engine.store.blobs(call)), []);
});

Deno.test("pushImage() sends every tag, or says that there is none", async () => {
  const registry = createMemoryRegistry();
  await using engine = await openEngine(registry);
  await putImage(engine.store, fixture([`${name}:v1`, `${name}:v2`, "localhost:5000/team/apple:v3"]), call);
  const { images } = await pushImage(engine, { reference: name, allTags: true }, call);
  assertEquals(images.map(({ tag }) => tag), ["v1", "v2"]);
  for (const reference of ["localhost:5000/none", `${name}@sha256:${"0".repeat(64)}`]) {
    const error = await assertRejects(() => pushImage(engine, { reference, allTags: true }, call), EngineError);
    assertEquals(error.code, reference.includes("@") ? "INVALID_ARGUMENT" : "NOT_FOUND");
  }
});

Deno.test("pushImage() sends an index whole, some platforms of it, or the one that is there", async () => {
  const registry = createMemoryRegistry();
  await using engine = await openEngine(registry);
  const platforms = [hostPlatform(), { os: "linux", architecture: other }, { os: "linux", architecture: "s390x" }];
  const images = platforms.map((platform) => ({ layers: [{ [platform.architecture]: "x" }], platform }));
  await putIndex(engine.store, { images, names: [`${name}:multi`] }, call);
  const push = async (from: TempEngine, some: typeof platforms): Promise<[string, number, string | undefined]> => {
    const [pushed] = (await pushImage(from, { reference: `${name}:multi`, platforms: some }, call)).images;
    assert(pushed !== undefined);
    const { descriptor, onlyPlatform } = pushed;
    if (descriptor.mediaType !== MediaType.index) return ["manifest", 1, onlyPlatform];
    const bytes = await readDocument(registry.repository(name), descriptor, call);
    return ["index", readIndex(bytes).manifests.length, onlyPlatform];
  };
  assertEquals(await push(engine, []), ["index", 3, undefined]);
  await using second = await openEngine(registry);
  await pullImage(second, { reference: `${name}:multi` }, call);
  assertEquals(await push(second, []), ["manifest", 1, formatPlatform(hostPlatform())]);
  assertEquals(await push(engine, platforms.slice(1)), ["index", 2, undefined]);
  assertEquals(await push(engine, platforms.slice(2)), ["manifest", 1, undefined]);
});

Deno.test("pushImage() ends with the failure of the registry, and leaves no name there", async () => {
  const registry = createMemoryRegistry();
  await using engine = await openEngine(registry);
  await putImage(engine.store, fixture([`${name}:v1`]), call);
  const store = registry.repository(name);
  store.put = () => Promise.reject(new EngineError("DENIED", "no"));
  const error = await assertRejects(() => pushImage(engine, { reference: `${name}:v1` }, call), EngineError);
  assertEquals([error.code, await store.resolve("v1", call)], ["DENIED", undefined]);
});
