/** Images that go to a real Docker daemon and come from it, with the same ID on both sides. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startDockerd } from "../helpers/dockerd.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, runStrata, tempFolder } from "../helpers/strata.ts";

const ignore = isMissing(peers.docker, peers.dockerd, "root");
Deno.test({ name: "strata copies images to a Docker daemon and from it, and their IDs stay", ignore }, async () => {
  await using folder = await tempFolder();
  await using daemon = await startDockerd();
  const strata = { root: `${folder.path}/root`, env: { DOCKER_HOST: daemon.host } };
  const other = { ...strata, root: `${folder.path}/other` };
  await folder.write({
    "src/Dockerfile": 'FROM scratch\nCOPY a /srv/a\nCOPY b /srv/b\nENV A=b\nCMD ["/bin/app"]\n',
    "src/a": "a".repeat(100_000),
    "src/b": "b",
  });
  await mustRun(strata, "build", "--quiet", "-t", "app:v1", `${folder.path}/src`);
  const id = JSON.parse((await mustRun(strata, "inspect", "app:v1")).stdout)[0].Id;
  assertStringIncludes(
    (await mustRun(strata, "copy", "app:v1", "docker-daemon:quay.io/team/app:v2")).stdout,
    "sha256:",
  );
  await mustRun(strata, "copy", "app:v1", "docker-daemon:");
  for (const name of ["quay.io/team/app:v2", "app:v1"]) {
    assertEquals((await daemon.docker("image", "inspect", "--format", "{{.Id}}", name)).trim(), id);
  }
  for (const address of ["docker-daemon:app:v1", "docker-daemon:quay.io/team/app:v2", `docker-daemon:${id}`]) {
    await mustRun(other, "copy", "-q", address, "back");
    assertEquals(JSON.parse((await mustRun(other, "inspect", "back")).stdout)[0].Id, id);
  }
  await mustRun(other, "copy", "-q", "docker-daemon:app:v1", `oci:${folder.path}/layout`);
  const config = await mustRun(other, "manifest", "inspect", "--config", `oci:${folder.path}/layout`);
  assertEquals(JSON.parse(config.stdout).config.Cmd, ["/bin/app"]);
  const missing = await runStrata(other, "copy", "docker-daemon:none:v1", "x");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "docker answered 404");
});
