import { join } from "@std/path";
import type { BenchResult } from "./main.ts";
import { measure } from "./measure.ts";
import { emptyScript, prepare, strata } from "./place.ts";

/** `image ls` with 1,000 images beside the start of an empty script. */
export async function* imageLs(runs: number): AsyncGenerator<BenchResult> {
  const folder = await Deno.makeTempDir();
  try {
    const root = join(folder, "root");
    await prepare([
      Deno.execPath(),
      "run",
      "-A",
      "--quiet",
      `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
      new URL("./make_images.ts", import.meta.url).pathname,
      root,
      "1000",
    ]);
    yield {
      title: "image ls with 1,000 images",
      measurements: await measure([
        { name: "empty Deno script", command: await emptyScript(folder) },
        { name: "strata --version", command: strata("--version") },
        { name: "strata image ls", command: strata("--root", root, "image", "ls") },
      ], Math.max(runs, 11)),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
