import { assert, assertEquals } from "@std/assert";
import { listCases, readExpected, runCase } from "./dockerfile_case.ts";

const names = listCases();

for (const name of names) {
  Deno.test(`readDockerfile() gives what is expected when it reads ${name}`, () => {
    assertEquals(runCase(name), readExpected(name));
  });
}

Deno.test("readDockerfile() is tested with at least as many wrong files as right ones when all cases are counted", () => {
  const wrong = names.filter((name) => readExpected(name)?.startsWith('{\n  "error"'));
  assert(names.length >= 150);
  assert(wrong.length * 2 >= names.length, `${wrong.length} of ${names.length}`);
});
