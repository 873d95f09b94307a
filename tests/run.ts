/**
 * Runs every test and prints, as its last line, `N passed, N failed, N skipped`, counted from the real run. Suites that a machine cannot
 * run are printed with the reason by tests/helpers/require.ts.
 */
const decoder = new TextDecoder();
const args = Deno.args.length > 0 ? Deno.args : ["core", "plugins", "tests", "examples"];
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--doc", "--permit-no-files", ...args],
  env: { NO_COLOR: "1" },
  stdout: "piped",
  stderr: "inherit",
}).spawn();

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
]
  .at(-1);
const [passed, failed, skipped] = [summary?.[1] ?? "0", summary?.[2] ?? "0", summary?.[3] ?? "0"];
const counted = summary === undefined ? "0 passed, 1 failed" : `${passed} passed, ${failed} failed`;
console.log(skipped === "0" ? counted : `${counted}, ${skipped} skipped`);
Deno.exit(summary === undefined ? 1 : code);
