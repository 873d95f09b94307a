import { join } from "@std/path";
import type { BenchResult } from "./main.ts";
import { measure } from "./measure.ts";
import { strata } from "./place.ts";

/** COPY of one file of 1 GB: time beside cp and sha256sum, and memory. */
export async function* copyLargeFile(runs: number): AsyncGenerator<BenchResult> {
  const folder = await Deno.makeTempDir();
  try {
    const file = await Deno.open(join(folder, "large"), { write: true, create: true });
    for (let i = 0; i < 1000; i++) file.writeSync(megabyte(i));
    file.close();
    await Deno.writeTextFile(join(folder, "Dockerfile"), "FROM scratch\nCOPY large /large\n");
    const root = join(folder, "root");
    const copy = join(folder, "copy");
    yield {
      title: "COPY of one file of 1 GB",
      measurements: await measure([
        { name: "cp + sha256sum", command: ["sh", "-c", `cp large ${copy} && sha256sum large`], cwd: folder },
        {
          name: "strata build, nothing cached",
          command: strata("--root", root, "build", "-q", "-t", "bench", folder),
          prepare: async () => {
            for (const path of [root, copy]) await Deno.remove(path, { recursive: true }).catch(() => {});
          },
        },
      ], Math.min(runs, 3)),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A megabyte that is like no other. */
function megabyte(seed: number): Uint8Array {
  const bytes = new Uint8Array(1_000_000);
  const words = new Uint32Array(bytes.buffer);
  let state = seed * 2654435761 + 1;
  for (let i = 0; i < words.length; i++) {
    state = Math.imul(state ^ state >>> 15, 2246822519) + i;
    words[i] = state;
  }
  return bytes;
}
