import { assertEquals, assertRejects } from "@std/assert";
import { createTempEngine, testCall } from "../../tests/helpers/temp_engine.ts";
import { EngineError } from "../errors.ts";
import { buildImage } from "./build.ts";
import { readImageDetails, readRegistryDigests, registryDigests } from "./image_details.ts";
import { saveToStream } from "./save_stream.ts";

Deno.test("readImageDetails() tells labels, and sizes of layers that several images have on the same layers", async () => {
  await using engine = await createTempEngine();
  await Deno.writeTextFile(`${engine.directory}/a`, "a".repeat(1000));
  await Deno.writeTextFile(`${engine.directory}/b`, "b".repeat(10));
  const build = async (lines: readonly string[]): Promise<string> => {
    const file = { type: "text", text: ["FROM scratch", ...lines].join("\n") } as const;
    const context = { type: "directory", path: engine.directory } as const;
    const { image } = await buildImage(engine, { context, file }, testCall());
    return image?.id ?? "";
  };
  const first = await build(["COPY a /a", "COPY b /b", "LABEL x=y"]);
  const second = await build(["COPY a /a"]);
  const third = await build(["COPY b /b"]);
  const { images, layersSize } = await readImageDetails(engine, testCall());
  const shown = Object.fromEntries([...images].map(([id, { labels, sharedSize }]) => [id, [labels, sharedSize]]));
  // The third one has the same file, but not on the same layers.
  assertEquals(shown, { [first]: [{ x: "y" }, 1000], [second]: [undefined, 1000], [third]: [undefined, 0] });
  assertEquals(layersSize, 1020);
  assertEquals(await readRegistryDigests(engine, first, testCall()), []);
  await assertRejects(() => readRegistryDigests(engine, "none", testCall()), EngineError, "no such image");
});

Deno.test("registryDigests() gives names by digest, and those of tags whose layers are as in a registry", () => {
  const [one, two] = [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`] as const;
  const names = [
    { name: "app:1", digest: one },
    { name: "app:2", digest: one },
    { name: "localhost:5000/app:1", digest: two },
    { name: `quay.io/app@${two}`, digest: two },
  ];
  assertEquals(registryDigests(names, { compressed: new Set() }), [`quay.io/app@${two}`]);
  assertEquals(registryDigests(names, { compressed: new Set([one]) }), [`app@${one}`, `quay.io/app@${two}`]);
  assertEquals(registryDigests(names, { compressed: new Set([two]) }), [
    `localhost:5000/app@${two}`,
    `quay.io/app@${two}`,
  ]);
});

Deno.test("saveToStream() gives a whole archive with its size, and leaves no file, read or not", async () => {
  await using engine = await createTempEngine();
  const file = { type: "text", text: "FROM scratch\nLABEL a=b\n" } as const;
  const context = { type: "directory", path: engine.directory } as const;
  await buildImage(engine, { context, file, tags: ["app:1"] }, testCall());
  const before = temporaryFiles();
  const { content, size, images } = await saveToStream(engine, { images: ["app:1"] }, testCall());
  await untilNoMore(before);
  assertEquals((await new Response(content).bytes()).length, size);
  assertEquals(images.map(({ name }) => name), ["app:1"]);
  await (await saveToStream(engine, { images: ["app:1"] }, testCall())).content.cancel();
  await assertRejects(() => saveToStream(engine, { images: ["none"] }, testCall()), EngineError, "no such image");
  await untilNoMore(before);
});

/** Waits until there are no temporary files that were not there before: other tests may save at this moment. */
async function untilNoMore(before: readonly string[]): Promise<void> {
  const deadline = Date.now() + 30_000;
  const left = (): readonly string[] => temporaryFiles().filter((name) => !before.includes(name));
  while (left().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(left(), []);
}

function temporaryFiles(): readonly string[] {
  const folder = Deno.env.get("TMPDIR") ?? "/tmp";
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith("strata-save-")).sort();
}
