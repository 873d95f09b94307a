/**
 * Runs every test, or those of the paths given, and prints as its last line `N passed, N failed, N skipped`, counted from the real runs.
 * Suites that a machine cannot run are printed with the reason by tests/helpers/require.ts.
 */

/** What is tested file beside file; the rest starts servers, mounts and kills, one file after the other. */
const besides = ["core", "plugins", "examples", "tests/conformance", "tests/golden", "tests/fuzz", "tests/helpers"];
const alone = [...Deno.readDirSync(new URL(".", import.meta.url))]
  .map(({ name }) => `tests/${name}`)
  .filter((path) => /_test\.ts$|^tests\/[^.]+$/.test(path) && !besides.includes(path))
  .sort();

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const results = Deno.args.length > 0
  ? [await run([], Deno.args)]
  : [await run(["--parallel"], besides), await run([], alone)];
const sum = (of: (counts: Counts) => number): number => results.reduce((total, counts) => total + of(counts), 0);
const [passed, failed, skipped] = [sum((each) => each.passed), sum((each) => each.failed), sum((each) => each.skipped)];
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
Deno.exit(failed === 0 ? 0 : 1);

/** One run of `deno test`; a run that fails without saying of what counts as one failure. */
async function run(flags: readonly string[], paths: readonly string[]): Promise<Counts> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--doc", "--permit-no-files", ...flags, ...paths],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-20_000);
  }
  const { code } = await child.status;
  const summary = [
    ...tail.matchAll(
      /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/gm,
    ),
  ].at(-1);
  const [passed, failed, skipped] = [1, 2, 3].map((at) => Number(summary?.[at] ?? 0));
  return { passed: passed ?? 0, failed: code === 0 ? failed ?? 0 : Math.max(failed ?? 0, 1), skipped: skipped ?? 0 };
}
