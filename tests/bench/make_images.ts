/** Fills a store with images for a benchmark: `make_images.ts ROOT COUNT`. Each is a build of its own with a label that differs. */
import { createEngine } from "../../core/engine.ts";
import { buildImage } from "../../core/image/build.ts";
import { builtins } from "../../plugins/mod.ts";

const [root = "", count = "0"] = Deno.args;
await using engine = await createEngine({ plugins: builtins, config: { root } });
const folder = await Deno.makeTempDir();
await Deno.writeTextFile(`${folder}/Dockerfile`, "FROM scratch\nARG N\nLABEL n=$N\n");
for (let i = 0; i < Number(count); i++) {
  await buildImage(
    engine,
    { context: { type: "directory", path: folder }, tags: [`bench/image${i}:v${i}`], args: { N: String(i) } },
    { signal: new AbortController().signal, emit: () => {} },
  );
}
await Deno.remove(folder, { recursive: true });
