/** Images whose layers were pulled and not looked at yet, honest ones and others. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type ImageFixture, putImage } from "../../tests/helpers/image_fixture.ts";
import { createMemoryRegistry } from "../../tests/helpers/memory_registry.ts";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import type { Engine } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Digest } from "../oci/descriptor.ts";
import { layerName, stripStoreAnnotations } from "../store/names.ts";
import { buildImage } from "./build.ts";
import { copyGraph } from "./copy_graph.ts";
import { diffImages } from "./diff.ts";
import { diskUsage } from "./disk_usage.ts";
import { imageHistory } from "./history.ts";
import { inspectImages } from "./inspect.ts";
import { listImages } from "./list.ts";
import { pullImage } from "./pull.ts";
import { removeImages } from "./remove.ts";
import { saveImages } from "./save.ts";
import { imageTree } from "./tree.ts";

const call = testCall();
const text = "some text that shrinks\n".repeat(1000);
const app: ImageFixture = { layers: [{ a: text }, { b: "2" }], gzip: true };

interface Pulled extends AsyncDisposable {
  readonly engine: Engine;
  readonly layers: readonly Digest[];
  readonly diffIds: readonly Digest[];
}

/** An engine that has pulled `app`, as it is or with its layers in the other order, and a directory. */
async function pull({ isHonest }: { readonly isHonest: boolean }): Promise<Pulled & { readonly folder: string }> {
  await using stack = new AsyncDisposableStack();
  const registry = createMemoryRegistry();
  const store = registry.repository("docker.io/library/app");
  await using source = await createTempEngine();
  const { descriptor, layers, diffIds } = await putImage(source.store, app, call);
  const root = stripStoreAnnotations(descriptor);
  await copyGraph({ from: source.store, to: store, root, platforms: [] }, call);
  const document = JSON.parse(await new Response(await store.open(root, call)).text());
  if (!isHonest) document.layers.reverse();
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  await store.tag(await store.ingest(new Blob([bytes]).stream(), root.mediaType, call), "latest", call);
  const engine = stack.use(await createTempEngine({ plugins: registry.plugins }));
  await pullImage(engine, { reference: "app" }, call);
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const held = stack.move();
  const digests = layers.map(({ digest }) => digest);
  return { engine, layers: digests, diffIds, folder, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function build({ engine, folder }: { engine: Engine; folder: string }, dockerfile: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/Dockerfile`, dockerfile);
  await Deno.writeTextFile(`${folder}/c`, "3");
  await buildImage(engine, { context: { type: "directory", path: folder }, tags: ["built"] }, call);
}

Deno.test("pullImage() leaves layers unread, and sizes are what they say they unpack to until they are read", async () => {
  await using pulled = await pull({ isHonest: true });
  const { engine, diffIds } = pulled;
  for (const diffId of diffIds) assertEquals(await engine.store.resolve(layerName(diffId), call), undefined);
  const listed = (await listImages(engine, {}, call)).rows[0]?.size ?? 0;
  assert(listed > text.length && listed < text.length + 10_000, String(listed));
  const inspected = (await inspectImages(engine, { images: ["app"] }, call)).images[0];
  assertEquals(inspected?.["Size"], listed);
  const before = (await imageHistory(engine, { image: "app" }, call)).rows.map(({ size }) => size);
  assertEquals(before.reduce((sum, size) => sum + size, 0), listed);
  const tree = await imageTree(engine, { image: "app" }, call);
  assertEquals(tree.layers.map(({ size }) => size), [text.length, 1]);
  assertEquals((await imageHistory(engine, { image: "app" }, call)).rows.map(({ size }) => size), [1, text.length]);
  for (const diffId of diffIds) assert(await engine.store.resolve(layerName(diffId), call) !== undefined);
});

const uses: Readonly<Record<string, (pulled: Awaited<ReturnType<typeof pull>>) => Promise<unknown>>> = {
  "COPY --from": (pulled) => build(pulled, "FROM scratch\nCOPY --from=app /a /a\n"),
  "FROM and COPY": (pulled) => build(pulled, "FROM app\nCOPY c /c\n"),
  "FROM and ENV": (pulled) => build(pulled, "FROM app\nENV A=b\n"),
  "image tree": ({ engine }) => imageTree(engine, { image: "app" }, call),
  "image diff": async ({ engine }) => {
    await putImage(engine.store, { ...app, names: ["other"], layers: [{ a: "1" }] }, call);
    await diffImages(engine, { from: "other", to: "app" }, call);
  },
  "save": ({ engine, folder }) => saveImages(engine, { images: ["app"], output: `${folder}/app.tar` }, call),
};

for (const [name, use] of Object.entries(uses)) {
  Deno.test(`${name} works with a pulled image`, async () => {
    await using pulled = await pull({ isHonest: true });
    await use(pulled);
  });

  Deno.test(`${name} rejects CONTENT_MISMATCH and names the layer when a pulled one has another diffID`, async () => {
    await using pulled = await pull({ isHonest: false });
    const error = await assertRejects(() => use(pulled), EngineError);
    assertEquals(error.code, "CONTENT_MISMATCH", error.message);
    assert(pulled.layers.some((digest) => error.message.includes(digest)), error.message);
    assertStringIncludes(error.message, "its diffID is sha256:");
    const names = await Array.fromAsync(pulled.engine.store.names("ref/", call));
    assert(!names.some((each) => each.name.includes("built")));
    for (const diffId of pulled.diffIds) {
      assertEquals(await pulled.engine.store.resolve(layerName(diffId), call), undefined);
    }
    assertEquals([...Deno.readDirSync(pulled.folder)].some((entry) => entry.name.endsWith(".tar")), false);
  });
}

Deno.test("removeImages() removes an image whose layers are not what it says, and what it takes is counted before", async () => {
  await using pulled = await pull({ isHonest: false });
  const { engine } = pulled;
  assertEquals((await diskUsage(engine, { verbose: true }, call)).images?.length, 1);
  await removeImages(engine, { images: ["app"] }, call);
  assertEquals((await listImages(engine, { all: true }, call)).rows, []);
  assertEquals(await Array.fromAsync(engine.store.blobs(call)), []);
});
