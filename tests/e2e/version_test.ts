/** `strata --version` tells one build of strata from another. */
import { assertEquals, assertMatch } from "@std/assert";
import { mustRun, tempFolder } from "../helpers/strata.ts";

Deno.test("strata --version shows the version, the commit and Deno", async () => {
  await using folder = await tempFolder();
  const root = `${folder.path}/root`;
  const line =
    /^strata \d+\.\d+\.\d+ \((linux|darwin|windows)\/\w+, plugin contract 1, Deno (\d+\.\d+\.\d+), commit (unknown|[0-9a-f]{40}(?:-changed)?)\)\n$/;
  const { stdout } = await mustRun({ root }, "--version");
  assertMatch(stdout, line);
  assertEquals((await mustRun({ root }, "version")).stdout, stdout);
  const { Deno: deno, Commit: commit } = JSON.parse((await mustRun({ root }, "version", "-f", "json")).stdout);
  assertEquals([deno, commit], line.exec(stdout)?.slice(2));
  assertEquals((await mustRun({ root }, "version", "-f", "{{.Commit}}")).stdout, `${commit}\n`);
});
