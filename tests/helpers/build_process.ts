/** Builds in a process of its own: takes a store's root and a {@linkcode BuildInput} as JSON, prints the image ID. */
import { createEngine } from "../../core/engine.ts";
import { buildImage } from "../../core/image/build.ts";
import type { BuildInput } from "../../core/image/build_input.ts";
import { builtins } from "../../plugins/mod.ts";
import { createTestCall } from "./build_fixture.ts";

if (import.meta.main) {
  const [root = "", input = ""] = Deno.args;
  await using engine = await createEngine({ plugins: builtins, config: { root } });
  // The test that starts this process wrote the text from a BuildInput.
  const { image } = await buildImage(engine, JSON.parse(input) as BuildInput, createTestCall());
  console.log(image?.id);
}
