/** Builds on machines that share nothing but a cache. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EngineError } from "../core/errors.ts";
import type { CacheTo } from "../core/image/build_input.ts";
import { copyImages } from "../core/image/copy.ts";
import { canonicalJson } from "../core/oci/canonical_json.ts";
import type { Digest } from "../core/oci/descriptor.ts";
import type { Manifest } from "../core/oci/manifest.ts";
import { MediaType } from "../core/oci/media_type.ts";
import { sha256 } from "../core/oci/digest.ts";
import { readManifest } from "../core/oci/validate.ts";
import { readDocument } from "../core/store/graph.ts";
import { streamOf } from "../core/stream/byte_stream.ts";
import { createTestCall, type TestCall } from "./helpers/build_fixture.ts";
import { build, filesOf, namesOf } from "./helpers/build_project.ts";
import { putImage } from "./helpers/image_fixture.ts";
import { createMemoryRegistry, type MemoryRegistry } from "./helpers/memory_registry.ts";
import { createTempEngine, type TempEngine } from "./helpers/temp_engine.ts";
import { writeFiles } from "./helpers/write_files.ts";

const place = "localhost:5000/team/cache";
const ref = `${place}:latest`;
const base = "localhost:5000/base";
const from = { cacheFrom: [{ type: "registry", ref }] } as const;
const to = (more: Partial<CacheTo> = {}): { cacheTo: [CacheTo] } => ({
  cacheTo: [{ type: "registry", ref, mode: "max", ignoreError: false, ...more } as CacheTo],
});

/** A stage on a base image of two layers, of whose files another one takes one. */
const project = {
  Dockerfile: [
    `FROM ${base} AS tools`,
    "WORKDIR /work",
    "COPY a.txt b.txt /work/",
    "FROM scratch",
    "COPY c.txt /",
    "COPY --from=tools /work/a.txt /etc/base /out/",
    "LABEL kind=test",
  ].join("\n"),
  "a.txt": "a\n",
  "b.txt": "b\n",
  "c.txt": "c\n",
};

/** A registry with the base image and the cache of the project, and what was built for it. */
async function withCache(
  test: (registry: MemoryRegistry, id: Digest | undefined) => Promise<void>,
  mode: "min" | "max" = "max",
): Promise<void> {
  const registry = createMemoryRegistry();
  await using engine = await newMachine(registry);
  await putImage(
    engine.store,
    { layers: [{ "etc/base": "1" }, { "etc/more": "2" }], names: ["base"] },
    createTestCall(),
  );
  await copyImages(engine, { source: "base", target: `registry:${base}:latest` }, createTestCall());
  const { image } = await build(engine, { ...epoch, ...to({ mode }) });
  registry.log.length = 0;
  await test(registry, image?.id);
}

const epoch = { args: { SOURCE_DATE_EPOCH: "1700000000" } };

async function newMachine(registry: MemoryRegistry, files: Record<string, string> = {}): Promise<TempEngine> {
  const engine = await createTempEngine({ plugins: registry.plugins, clock: () => new Date() });
  await writeFiles(engine.directory, { ...project, ...files });
  return engine;
}

/** How much was read from registries, the same thing counted once. */
function read(registry: MemoryRegistry): number {
  return new Set(registry.log.filter((line) => line.startsWith("open"))).size;
}

function warningsOf(call: TestCall): string[] {
  return call.events.flatMap((event) => event.type === "warning" ? [event.message] : []);
}

async function manifestOf(registry: MemoryRegistry): Promise<Manifest> {
  const store = registry.repository(place);
  const descriptor = await store.resolve("latest", createTestCall());
  assert(descriptor !== undefined);
  return readManifest(await readDocument(store, descriptor, createTestCall()));
}

/** Rewrites what the cache says. */
async function lie(
  registry: MemoryRegistry,
  change: (records: Record<string, unknown>[], manifest: Manifest) => unknown,
): Promise<void> {
  const store = registry.repository(place);
  const call = createTestCall();
  const manifest = await manifestOf(registry);
  const config = JSON.parse(new TextDecoder().decode(await readDocument(store, manifest.config, call)));
  const changed = change(config.records, manifest) ?? { ...config, records: config.records };
  const put = async (mediaType: string, value: unknown) => {
    const bytes = new TextEncoder().encode(typeof value === "string" ? value : canonicalJson(value));
    const descriptor = { mediaType, digest: await sha256(bytes), size: bytes.length };
    await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), call);
    return descriptor;
  };
  const descriptor = await put(MediaType.manifest, { ...manifest, config: await put(MediaType.cacheConfig, changed) });
  await store.tag(descriptor, "latest", call);
}

Deno.test("buildImage() takes every step from a shared cache, and fetches no layer but those of the result", async () => {
  await withCache(async (registry, id) => {
    await using engine = await newMachine(registry);
    const { image, steps } = await build(engine, { ...epoch, ...from });
    assertEquals([steps, image?.id], [{ total: 4, cached: 4, built: 0 }, id]);
    // Manifest and config of the base, manifest and records of the cache, two layers.
    assertEquals(read(registry), 6);
    const [platform] = image?.platforms ?? [];
    assert(platform !== undefined);
    assertEquals((await filesOf(engine, platform.manifest))["out/base"], "1");
    assertEquals((await namesOf(engine, "cache/")).length, 2);
    // Without the cache, what was not needed is built, and the rest is the same.
    const again = await build(engine, epoch);
    assertEquals([again.steps.cached, again.image?.id], [2, id]);
  });
});

Deno.test("buildImage() fetches nothing but documents when its result goes nowhere", async () => {
  await withCache(async (registry) => {
    await using engine = await newMachine(registry);
    const { steps } = await build(engine, { ...epoch, ...from, outputs: [{ type: "cacheonly" }] });
    assertEquals([steps.cached, read(registry)], [4, 4]);
  });
});

Deno.test("buildImage() fetches what a changed step needs, and no more", async () => {
  await withCache(async (registry) => {
    await using engine = await newMachine(registry, { "c.txt": "changed\n" });
    const { image, steps } = await build(engine, { ...epoch, ...from });
    // COPY --from is built again on the changed layer, and reads the whole stage for it.
    assertEquals(steps, { total: 4, cached: 2, built: 2 });
    const [platform] = image?.platforms ?? [];
    assert(platform !== undefined);
    const files = await filesOf(engine, platform.manifest);
    assertEquals([files["c.txt"], files["out/a.txt"], files["out/base"]], ["changed\n", "a\n", "1"]);
    assertEquals(read(registry), 8);
  });
});

Deno.test("buildImage() asks a shared cache for nothing when the store has every step", async () => {
  await withCache(async (registry) => {
    await using engine = await newMachine(registry);
    await writeFiles(engine.directory, { Dockerfile: "FROM scratch\nCOPY c.txt /\n" });
    await build(engine, epoch);
    registry.log.length = 0;
    const { steps } = await build(engine, { ...epoch, ...from });
    assertEquals([steps.cached, registry.log], [1, []]);
  });
});

Deno.test("buildImage() keeps the layers of the result with mode=min, those of all steps with mode=max", async () => {
  await withCache(async (registry) => assertEquals((await manifestOf(registry)).layers.length, 4));
  await withCache(async (registry, id) => {
    assertEquals((await manifestOf(registry)).layers.length, 2);
    await using engine = await newMachine(registry);
    const { image, steps } = await build(engine, { ...epoch, ...from });
    assertEquals([steps.built, image?.id], [2, id]);
  }, "min");
});

Deno.test("buildImage() keeps a cache that it only knows of without fetching it, by having it mounted", async () => {
  await withCache(async (registry) => {
    await using engine = await newMachine(registry);
    const other = "localhost:5000/other/cache";
    const outputs = [{ type: "cacheonly" }] as const;
    await build(engine, { ...epoch, ...from, outputs, ...to({ ref: other } as Partial<CacheTo>) });
    assertEquals(registry.log.filter((line) => line.startsWith("mount")).length, 4);
    assertEquals(read(registry), 4);
    await using third = await newMachine(registry);
    const { steps } = await build(third, { ...epoch, cacheFrom: [{ type: "registry", ref: other }] });
    assertEquals(steps.cached, 4);
  });
});

Deno.test("buildImage() gives the same cache for the same build, as one manifest of compressed layers", async () => {
  await withCache(async (registry) => {
    const first = await manifestOf(registry);
    assertEquals([first.artifactType, first.config.mediaType], [MediaType.cacheConfig, MediaType.cacheConfig]);
    assert(first.layers.every(({ mediaType }) => mediaType === MediaType.layerGzip));
    await using engine = await newMachine(registry);
    await build(engine, { ...epoch, ...from, ...to() });
    assertEquals(await manifestOf(registry), first);
  });
});

Deno.test("buildImage() warns of a cache that it cannot read, and builds", async () => {
  const registry = createMemoryRegistry();
  await using engine = await newMachine(registry, { Dockerfile: "FROM scratch\nCOPY a.txt /\n" });
  const call = createTestCall();
  const local = { type: "local", src: `${engine.directory}/none`, name: "latest" } as const;
  const { steps } = await build(engine, { cacheFrom: [...from.cacheFrom, local] }, call);
  assertEquals(steps.built, 1);
  const warnings = warningsOf(call);
  assertEquals(warnings.length, 2);
  assertStringIncludes(warnings.join("\n"), `Cache "${ref}" is not used: Cannot find image`);
  assert(
    call.events.some((event) => event.type === "step-started" && event.name === `importing cache manifest from ${ref}`),
  );
});

const hex = "f".repeat(64);
const lies: Readonly<Record<string, (records: Record<string, unknown>[], manifest: Manifest) => unknown>> = {
  "no JSON": () => "records",
  "another version": (records) => ({ version: 2, records }),
  "no list": () => ({ version: 1, records: {} }),
  "a record that is none": (records) => void records.push(null as never),
  "a layer that the manifest does not list": ([first]) => void Object.assign(first ?? {}, { layer: `sha256:${hex}` }),
  "a key that is none": ([first]) => void Object.assign(first ?? {}, { key: "../../x" }),
  "a key twice": (records) => void records.push({ ...records[0] }),
  "a diffID that is none": ([first]) => void Object.assign(first ?? {}, { diffId: "sha256:1" }),
  "a time that is none": ([first]) => void Object.assign(first ?? {}, { created: "<script>" }),
  "a shortcut that is none": ([first]) => void Object.assign(first ?? {}, { shortcut: 1 }),
};

for (const [name, change] of Object.entries(lies)) {
  Deno.test(`buildImage() does not use a cache with ${name}`, async () => {
    await withCache(async (registry, id) => {
      await lie(registry, change);
      await using engine = await newMachine(registry);
      const call = createTestCall();
      const { steps, image } = await build(engine, { ...epoch, ...from }, call);
      assertEquals([steps.built, image?.id], [4, id]);
      assertStringIncludes(warningsOf(call).join(), `Cache "${ref}" is not used: Cannot read cache`);
    });
  });
}

Deno.test("buildImage() makes the same image from a shared cache without a source date epoch too", async () => {
  const registry = createMemoryRegistry();
  await using first = await newMachine(registry, { Dockerfile: "FROM scratch\nCOPY a.txt b.txt /\nCOPY c.txt /\n" });
  const { image } = await build(first, to());
  await using second = await newMachine(registry, { Dockerfile: "FROM scratch\nCOPY a.txt b.txt /\nCOPY c.txt /\n" });
  assertEquals((await build(second, from)).image?.id, image?.id);
});

Deno.test("buildImage() does not use an image for a cache", async () => {
  await withCache(async (registry, id) => {
    await using engine = await newMachine(registry);
    const call = createTestCall();
    const { steps, image } = await build(engine, { ...epoch, cacheFrom: [{ type: "registry", ref: base }] }, call);
    assertEquals([steps.built, image?.id], [4, id]);
    assertStringIncludes(warningsOf(call).join(), `it is a "${MediaType.config}"`);
  });
});

Deno.test("buildImage() builds again without a cache whose layers are not what it says they are", async () => {
  await withCache(async (registry, id) => {
    await lie(registry, (records) => {
      // Each record gets the layer of another one.
      const layers = records.map(({ layer }) => layer);
      records.forEach((record, i) => Object.assign(record, { layer: layers[(i + 1) % layers.length] }));
    });
    await using engine = await newMachine(registry);
    const call = createTestCall();
    const { steps, image } = await build(engine, { ...epoch, ...from }, call);
    assertEquals([steps.built, image?.id], [4, id]);
    assertStringIncludes(warningsOf(call).join(), `Cache "${ref}" is not used any more: Cannot use layer`);
    // Layers that are in the store already do not pass for others either.
    await using another = await newMachine(registry);
    const store = registry.repository(place);
    for (const layer of (await manifestOf(registry)).layers) {
      await another.store.put(layer, () => store.open(layer, call), call);
    }
    assertEquals((await build(another, { ...epoch, ...from })).image?.id, id);
  });
});

Deno.test("buildImage() builds again without a cache whose layers are gone", async () => {
  await withCache(async (registry, id) => {
    const { layers } = await manifestOf(registry);
    for (const layer of layers) await registry.repository(place).delete(layer.digest, createTestCall());
    await using engine = await newMachine(registry, { "c.txt": "changed\n" });
    const call = createTestCall();
    const { steps } = await build(engine, { ...epoch, ...from }, call);
    // The first try got as far as the step that was changed.
    assertEquals([steps.built, steps.cached], [3, 1]);
    assertEquals(warningsOf(call).length, 1);
    await using other = await newMachine(registry);
    assertEquals((await build(other, { ...epoch, ...from })).image?.id, id);
  });
});

Deno.test("buildImage() fails when its cache cannot be kept, unless that is to be ignored", async () => {
  const registry = createMemoryRegistry();
  await using engine = await newMachine(registry, { Dockerfile: "FROM scratch\nCOPY a.txt /\n" });
  const target = (ignoreError: boolean): { cacheTo: [CacheTo] } => ({
    cacheTo: [{ type: "local", dest: `${engine.directory}/a.txt`, name: "latest", mode: "min", ignoreError }],
  });
  await assertRejects(() => build(engine, target(false)), EngineError);
  const call = createTestCall();
  const { image } = await build(engine, target(true), call);
  assert(image !== undefined);
  assertStringIncludes(warningsOf(call).join(), "was not kept");
});

Deno.test("buildImage() carries a cache through a folder", async () => {
  await withCache(async (registry, id) => {
    await using engine = await newMachine(registry);
    const dest = `${engine.directory}/../cache`;
    const outputs = [{ type: "cacheonly" }] as const;
    const cacheTo = [{ type: "local", dest, name: "main", mode: "max", ignoreError: false }] as const;
    await build(engine, { ...epoch, outputs, cacheTo });
    await using other = await newMachine(registry);
    const cacheFrom = [{ type: "local", src: dest, name: "main" }] as const;
    const { steps, image } = await build(other, { ...epoch, cacheFrom });
    assertEquals([steps.cached, image?.id], [4, id]);
  });
});
