import { assert } from "@std/assert";
import { readImage } from "../../core/build/base_image.ts";
import { createLayerFiles } from "../../core/build/layer_files.ts";
import type { Engine } from "../../core/engine.ts";
import { buildImage } from "../../core/image/build.ts";
import type { BuildInput } from "../../core/image/build_input.ts";
import type { BuildResult, BuiltImage } from "../../core/image/build_result.ts";
import type { Descriptor } from "../../core/oci/descriptor.ts";
import { collectText } from "../../core/stream/collect.ts";
import { createTestCall, type TestCall } from "./build_fixture.ts";
import type { TempEngine } from "./temp_engine.ts";

/** A platform. */
export const amd64 = { os: "linux", architecture: "amd64" };
/** Another platform. */
export const arm64 = { os: "linux", architecture: "arm64" };

/** Builds the engine's own folder. */
export async function build(engine: TempEngine, more: Partial<BuildInput> = {}, call?: TestCall): Promise<BuildResult> {
  const input = { context: { type: "directory", path: engine.directory }, platforms: [amd64], ...more } as const;
  return await buildImage(engine, input, call ?? createTestCall());
}

/** Builds the engine's own folder into an image. */
export async function buildOne(engine: TempEngine, more: Partial<BuildInput> = {}): Promise<BuiltImage> {
  const { image } = await build(engine, more);
  assert(image !== undefined);
  return image;
}

/** Files of an image: texts by path; the type of what is no file. */
export async function filesOf(engine: Engine, manifest: Descriptor): Promise<Record<string, string>> {
  const call = createTestCall();
  const { chain } = await readImage(engine.store, manifest, call);
  const tree = createLayerFiles(engine.store).tree(chain.layers, call);
  const files: Record<string, string> = {};
  for await (const entry of tree.walk(".", {}, call)) {
    files[entry.path] = entry.type === "file"
      ? await collectText(await tree.read(entry.path, call), 1 << 20)
      : entry.type;
  }
  return files;
}

/** Names of the store with a prefix. */
export async function namesOf(engine: Engine, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(engine.store.names(prefix, createTestCall()))).map(({ name }) => name);
}

/** A build file of three stages, one of them unused, with what it copies. Makes three layers. */
export const multiStage = {
  "Dockerfile": [
    "ARG WHO=world",
    "FROM scratch AS one",
    "ARG WHO",
    "COPY <<EOF /out/hello.txt",
    "Hello, $WHO",
    "EOF",
    "FROM scratch AS unused",
    "COPY absent.txt /",
    "FROM scratch",
    "COPY a.txt /first/",
    "COPY --from=one /out /second",
    "LABEL kind=test",
  ].join("\n"),
  "a.txt": "a\n",
};
