/** The flags of `strata build` that say how commands run, as a user sees them: what is wrong ends with 2, before anything is built. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { mustRun, runStrata, tempFolder } from "../helpers/strata.ts";

const wrong: readonly (readonly [flag: string, message: string])[] = [
  ["--network=bridge", 'error: Cannot use --network "bridge": expected default, host or none'],
  ["--add-host=db", 'error: Cannot use --add-host "db": it has no address'],
  ["--dns=x", 'error: Cannot use --dns "x": expected an IP address'],
  ["--ulimit=nofile", 'error: Cannot use --ulimit "nofile": expected NAME=SOFT[:HARD]'],
  ["--shm-size=x", 'error: Cannot use --shm-size "x": expected an amount such as 64m or 1.5g'],
  ["--memory=x", 'error: Cannot use --memory "x": expected an amount such as 64m or 1.5g'],
  ["--cpus=x", 'error: Cannot use --cpus "x": expected a number of processors'],
  ["--allow=all", 'error: Cannot use --allow "all": expected network.host or security.insecure'],
  ["--secret=src=x", 'error: Cannot use --secret "src=x": it has no id'],
  ["--on-failure=retry", 'error: Cannot use --on-failure "retry": expected shell or fail'],
  ["--on-failure=shell", 'error: Cannot use --on-failure "shell": standard input or output is no terminal'],
];

for (const [flag, message] of wrong) {
  Deno.test(`build ${flag} says what is expected and exits with 2`, async () => {
    await using folder = await tempFolder();
    await folder.write({ "src/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n" });
    const { code, stdout, stderr } = await runStrata(
      { root: `${folder.path}/root` },
      "build",
      flag,
      `${folder.path}/src`,
    );
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.includes("#1"), false);
  });
}

Deno.test("build takes a secret that is there and names the file of one that is not", async () => {
  await using folder = await tempFolder();
  await folder.write({ "src/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n", "token": "s3cret" });
  const root = `${folder.path}/root`;
  await mustRun({ root }, "build", "--secret", `id=t,src=${folder.path}/token`, `${folder.path}/src`);
  const { code, stderr } = await runStrata({ root }, "build", "--secret", "id=t,src=absent", `${folder.path}/src`);
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'Cannot take secret "t" from "absent": there is no such file');
});
