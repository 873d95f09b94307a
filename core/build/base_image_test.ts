import { assertEquals, assertRejects } from "@std/assert";
import { createTestCall } from "../../tests/helpers/build_fixture.ts";
import { createMemoryStore } from "../../tests/helpers/memory_store.ts";
import type { Store } from "../contract/store.ts";
import { EngineError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/descriptor.ts";
import { sha256 } from "../oci/digest.ts";
import { MediaType } from "../oci/media_type.ts";
import { streamOf } from "../stream/byte_stream.ts";
import { pickManifest, readImage } from "./base_image.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };
const digest: Digest = `sha256:${"a".repeat(64)}`;

async function put(store: Store, value: unknown, mediaType: string): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const descriptor = { mediaType, digest: await sha256(bytes), size: bytes.length };
  await store.put(descriptor, () => Promise.resolve(streamOf(bytes)), createTestCall());
  return descriptor;
}

async function putImage(store: Store, layers: number, config: Readonly<Record<string, unknown>>): Promise<Descriptor> {
  const written = await put(store, { ...amd64, ...config }, MediaType.config);
  const layer = { mediaType: MediaType.layer, digest, size: 1 };
  const manifest = { schemaVersion: 2, config: written, layers: Array.from({ length: layers }, () => layer) };
  return await put(store, manifest, MediaType.manifest);
}

Deno.test("readImage() adds history when layers have none", async () => {
  await using store = createMemoryStore();
  const descriptor = await putImage(store, 2, {
    created: "2020-01-01T00:00:00Z",
    rootfs: { type: "layers", diff_ids: [digest, digest] },
    history: [{ created_by: "ENV", empty_layer: true }, { created_by: "ADD" }],
  });
  const image = await readImage(store, descriptor, createTestCall());
  assertEquals(image.history.map((entry) => [entry.created_by, entry.empty_layer ?? false]), [
    ["ENV", true],
    ["ADD", false],
    [undefined, false],
  ]);
  assertEquals(image.chain.layers.length, 2);
});

Deno.test("readImage() rejects CONTENT_MISMATCH when layers and diffIDs do not pair", async () => {
  await using store = createMemoryStore();
  const descriptor = await putImage(store, 1, { rootfs: { type: "layers", diff_ids: [] } });
  const error = await assertRejects(() => readImage(store, descriptor, createTestCall()), EngineError);
  assertEquals(error.code, "CONTENT_MISMATCH");
});

Deno.test("pickManifest() finds the platform when indexes are nested", async () => {
  await using store = createMemoryStore();
  const manifest = { mediaType: MediaType.manifest, digest, size: 9, platform: arm64 };
  const inner = await put(store, { schemaVersion: 2, manifests: [manifest] }, MediaType.index);
  const outer = await put(store, { schemaVersion: 2, manifests: [{ ...inner, platform: arm64 }] }, MediaType.index);
  const found = await pickManifest(store, { descriptor: outer, name: "x", platform: arm64 }, createTestCall());
  assertEquals(found, { mediaType: MediaType.manifest, digest, size: 9 });
});

Deno.test("pickManifest() rejects NOT_FOUND with what there is when the platform is missing", async () => {
  await using store = createMemoryStore();
  const manifest = { mediaType: MediaType.manifest, digest, size: 9, platform: arm64 };
  const descriptor = await put(store, { schemaVersion: 2, manifests: [manifest] }, MediaType.index);
  const error = await assertRejects(
    () => pickManifest(store, { descriptor, name: "x", platform: amd64 }, createTestCall()),
    EngineError,
    "linux/arm64",
  );
  assertEquals(error.code, "NOT_FOUND");
});

Deno.test("pickManifest() rejects UNSUPPORTED when the image is neither manifest nor index, or nests too deep", async () => {
  await using store = createMemoryStore();
  let descriptor: Descriptor = { mediaType: MediaType.octetStream, digest, size: 1 };
  for (let depth = 0; depth < 12; depth++) {
    const query = { descriptor, name: "x", platform: amd64 };
    if (depth === 0 || depth > 5) {
      const error = await assertRejects(() => pickManifest(store, query, createTestCall()), EngineError);
      assertEquals(error.code, "UNSUPPORTED");
    }
    descriptor = await put(
      store,
      { schemaVersion: 2, manifests: [{ ...descriptor, platform: amd64 }] },
      MediaType.index,
    );
  }
});
