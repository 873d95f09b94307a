/**
 * Measures strata beside its peers and the bare work, and prints Markdown: `deno task bench [NAME…] [--runs=N]`. What the machine lacks is
 * named and left out. Results that are worth keeping go to docs/benchmarks.md by hand, with the machine they are from.
 */
import { apiImages } from "./api_images.ts";
import { copySmallFiles } from "./copy_small_files.ts";
import { imageLs } from "./image_ls.ts";
import { copyLargeFile } from "./copy_large_file.ts";
import { runCommands } from "./run_commands.ts";
import { serve } from "./serve.ts";
import { transfer } from "./transfer.ts";
import { formatMeasurements, type Measurement } from "./measure.ts";

/** One benchmark: a title and what it measured, strata's bar first. */
export interface BenchResult {
  readonly title: string;
  readonly measurements: readonly Measurement[];
}

const benches: Readonly<Record<string, (runs: number) => AsyncIterable<BenchResult>>> = {
  "copy-small-files": copySmallFiles,
  "copy-large-file": copyLargeFile,
  "api-images": apiImages,
  "image-ls": imageLs,
  "run-commands": runCommands,
  "serve": serve,
  "transfer": transfer,
};

const wanted = Deno.args.filter((arg) => !arg.startsWith("--"));
const runs = Number(Deno.args.find((arg) => arg.startsWith("--runs="))?.slice(7) ?? 5);
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for await (const { title, measurements } of bench(runs)) console.log(formatMeasurements(title, measurements));
}
