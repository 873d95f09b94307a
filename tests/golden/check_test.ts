/** One folder a build check: `Dockerfile` has what it is about, `Dockerfile.clean` has not. */
import { assertEquals } from "@std/assert";
import { rules } from "../../plugins/parse_dockerfile/rules.ts";
import { showFindings } from "../helpers/check_case.ts";

const cases = new URL("check/", import.meta.url);
const names = [...Deno.readDirSync(cases)].map((entry) => entry.name).sort();

Deno.test("golden/check has a folder for each build check", () => {
  assertEquals(names, Object.keys(rules).sort());
});

for (const name of names) {
  const folder = new URL(`${name}/`, cases);
  Deno.test(`outline() and parse() report ${name} where its golden case has it`, async () => {
    const expected = JSON.parse(await Deno.readTextFile(new URL("expected.json", folder)));
    assertEquals({ ...await showFindings("Dockerfile", folder) }, expected);
  });

  Deno.test(`outline() and parse() report nothing in the clean golden case of ${name}`, async () => {
    assertEquals({ ...await showFindings("Dockerfile.clean", folder) }, { outline: [], build: [] });
  });
}
