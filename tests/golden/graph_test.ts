/** Dockerfiles and the graphs that they become: one folder a case, `input.json` says what the build is given. */
import { assertEquals } from "@std/assert";
import { showGraphCase } from "../helpers/graph_case.ts";

const cases = new URL("graph/", import.meta.url);

for (const name of [...Deno.readDirSync(cases)].map((entry) => entry.name).sort()) {
  Deno.test(`parse() gives the graph or the error of golden case ${name}`, async () => {
    const folder = new URL(`${name}/`, cases);
    const expected = JSON.parse(await Deno.readTextFile(new URL("expected.json", folder)));
    assertEquals(await showGraphCase(folder), expected);
  });
}
