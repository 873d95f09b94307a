/** Images that go to and from the registry that `strata serve` is, with the tools that others use: digests are the same on both sides. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startDockerd } from "../helpers/dockerd.ts";
import { runPeer } from "../helpers/program.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { type ServeProcess, startServe } from "../helpers/serve.ts";
import { mustRun, runStrata, type StrataOptions, type TempFolder, tempFolder } from "../helpers/strata.ts";

interface Bench extends AsyncDisposable {
  readonly folder: TempFolder;
  /** The store whose images are served. */
  readonly served: StrataOptions;
  /** Another store, with a login at the server. */
  readonly other: StrataOptions;
  readonly server: ServeProcess;
}

/** A store with the image `app:1`, as it was built, and a server of it. */
async function openBench(...args: readonly string[]): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const env = { DOCKER_CONFIG: `${folder.path}/docker`, XDG_RUNTIME_DIR: `${folder.path}/run` };
  const served = { root: `${folder.path}/root`, env };
  const noise = Array.from({ length: 200_000 }, (_, at) => (at * 2654435761 % 4294967296).toString(36)).join("\n");
  await folder.write({
    "src/Dockerfile": 'FROM scratch\nCOPY noise /srv/noise\nCOPY small /etc/small\nENV A=b\nCMD ["/bin/app"]\n',
    "src/noise": noise,
    "src/small": "small",
  });
  await mustRun(served, "build", "--quiet", "-t", "app:1", `${folder.path}/src`);
  const server = stack.use(await startServe(served, ...args));
  const auths = { [server.address]: { auth: btoa(`anybody:${server.token}`) } };
  await folder.write({ "docker/config.json": JSON.stringify({ auths }) });
  const other = { root: `${folder.path}/other`, env };
  const held = stack.move();
  return { folder, served, other, server, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function digestOf(options: StrataOptions, name: string): Promise<string> {
  return (await mustRun(options, "manifest", "inspect", "--digest", name)).stdout.trim();
}

async function idOf(options: StrataOptions, name: string): Promise<string> {
  return JSON.parse((await mustRun(options, "inspect", name)).stdout)[0].Id;
}

Deno.test("strata pulls a built image from strata serve as it is, and what it pushes is an image there", async () => {
  await using bench = await openBench();
  const { served, other, server } = bench;
  const name = `${server.address}/app:1`;
  await mustRun(other, "pull", "-q", name);
  const digest = await digestOf(served, "store:app:1");
  assertEquals(await digestOf(other, `store:${name}`), digest);
  assertEquals(await idOf(other, name), await idOf(served, "app:1"));
  assertEquals((await mustRun(other, "tags", "ls", `${server.address}/app`)).stdout, "1\n");

  await mustRun(other, "tag", name, `${server.address}/team/copy:2`);
  await mustRun(other, "push", "-q", `${server.address}/team/copy:2`);
  const listed = (await mustRun(served, "image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")).stdout;
  assertMatch(listed, /^team\/copy:2 [0-9a-f]{12}$/m);
  assertEquals(await idOf(served, "team/copy:2"), await idOf(served, "app:1"));
  assertMatch((await mustRun(served, "image", "tree", "team/copy:2")).stdout, /srv\/noise/);
  await mustRun(other, "image", "rm", "--remote", `${server.address}/team/copy:2`);
  assertEquals((await runStrata(served, "inspect", "team/copy:2")).code, 1);
  assertEquals((await runStrata(served, "inspect", "app:1")).code, 0);
});

Deno.test("strata serve --readonly gives images and takes none", async () => {
  await using bench = await openBench("--readonly");
  const { other, server } = bench;
  await mustRun(other, "pull", "-q", `${server.address}/app:1`);
  await mustRun(other, "tag", `${server.address}/app:1`, `${server.address}/app:2`);
  const refused = await runStrata(other, "push", "-q", `${server.address}/app:2`);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "this registry is read-only");
  assertEquals((await runStrata(other, "image", "rm", "--remote", `${server.address}/app:1`)).code, 1);
});

Deno.test({ name: "skopeo copies to strata serve and from it", ignore: isMissing(peers.skopeo) }, async () => {
  await using bench = await openBench();
  const { served, folder, server } = bench;
  const login = ["--creds", `anybody:${server.token}`];
  const plain = ["copy", "--insecure-policy", "-q"];
  const at = (name: string): string => `docker://${server.address}/${name}`;
  const source = ["--src-tls-verify=false", `--src-creds=anybody:${server.token}`];
  const target = ["--dest-tls-verify=false", `--dest-creds=anybody:${server.token}`];
  // It would compress the layers otherwise.
  await runPeer("skopeo", ...plain, "--preserve-digests", ...source, at("app:1"), `oci:${folder.path}/layout:app`);
  const digest = await digestOf(served, "store:app:1");
  assertEquals(JSON.parse(await runPeer("skopeo", "inspect", `oci:${folder.path}/layout:app`)).Digest, digest);

  await runPeer("skopeo", ...plain, ...target, "--format", "v2s2", `oci:${folder.path}/layout:app`, at("docker:1"));
  await runPeer("skopeo", ...plain, ...source, ...target, at("docker:1"), at("ghcr.io/team/app:1"));
  const shown = JSON.parse(
    await runPeer("skopeo", "inspect", "--tls-verify=false", ...login, at("ghcr.io/team/app:1")),
  );
  assertEquals(shown.RepoTags, ["1"]);
  assertEquals(await digestOf(served, "store:ghcr.io/team/app:1"), shown.Digest);
  assertEquals(await digestOf(served, "store:docker:1"), shown.Digest);
  const tags = JSON.parse(await runPeer("skopeo", "list-tags", "--tls-verify=false", ...login, at("docker")));
  assertEquals(tags.Tags, ["1"]);
  await runPeer("skopeo", "delete", "--tls-verify=false", ...login, at("docker:1"));
  assertEquals((await runStrata(served, "inspect", "docker:1")).code, 1);
  assertEquals(await idOf(served, "ghcr.io/team/app:1"), await idOf(served, "app:1"));
});

Deno.test({ name: "crane copies, lists and pushes at strata serve", ignore: isMissing(peers.crane) }, async () => {
  await using bench = await openBench();
  const { served, folder, server } = bench;
  const crane = async (...args: readonly string[]): Promise<string> =>
    (await runPeer("env", `DOCKER_CONFIG=${folder.path}/docker`, "crane", ...args)).trim();
  const at = (name: string): string => `${server.address}/${name}`;
  const digest = await digestOf(served, "store:app:1");
  assertEquals(await crane("digest", at("app:1")), digest);
  await crane("copy", at("app:1"), at("team/copy:1"));
  await crane("tag", at("team/copy:1"), "2");
  assertEquals(await crane("ls", at("team/copy")), "1\n2");
  assertEquals((await crane("catalog", server.address)).split("\n").sort(), ["app", "team/copy"]);
  assertEquals(await digestOf(served, "store:team/copy:2"), digest);

  await mustRun(served, "save", "-o", `${folder.path}/app.tar`, "app:1");
  await crane("push", `${folder.path}/app.tar`, at("from/crane:1"));
  assertEquals(await idOf(served, "from/crane:1"), await idOf(served, "app:1"));
  // Of layers that are not compressed, as those of app:1 are, it says that they are no gzip.
  assertMatch(await crane("validate", "--remote", at("from/crane:1")), /PASS/);
  await crane("pull", "--format", "oci", at("from/crane:1"), `${folder.path}/pulled`);
  await mustRun(served, "copy", `oci:${folder.path}/pulled`, "store:pulled:1");
  assertEquals(await idOf(served, "pulled:1"), await idOf(served, "app:1"));
  await crane("delete", at("team/copy:1"));
  assertEquals(await crane("ls", at("team/copy")), "2");
});

const podman = isMissing(peers.podman, "root");
Deno.test({ name: "podman pulls from strata serve and pushes to it", ignore: podman }, async () => {
  await using bench = await openBench();
  const { served, folder, server } = bench;
  const place = ["--root", `${folder.path}/p`, "--runroot", `${folder.path}/r`, "--storage-driver", "vfs"];
  const run = (...args: readonly string[]): Promise<string> => runPeer("podman", ...place, ...args);
  const login = ["--tls-verify=false", "--creds", `anybody:${server.token}`, "--quiet"];
  const name = `${server.address}/app:1`;
  await run("pull", ...login, name);
  const id = await idOf(served, "app:1");
  assertEquals(`sha256:${(await run("image", "inspect", "--format", "{{.Id}}", name)).trim()}`, id);
  await run("push", ...login, name, `${server.address}/from/podman:1`);
  assertEquals(await idOf(served, "from/podman:1"), id);
  assertMatch((await mustRun(served, "image", "tree", "from/podman:1")).stdout, /srv\/noise/);
  // Layers are there from the push before, so this one asks for them alone.
  await run("push", ...login, name, `${server.address}/from/podman:2`);
  assertEquals(await digestOf(served, "store:from/podman:2"), await digestOf(served, "store:from/podman:1"));
});

const docker = isMissing(peers.docker, peers.dockerd, "root");
Deno.test({ name: "docker logs in to strata serve, pulls from it and pushes to it", ignore: docker }, async () => {
  await using bench = await openBench();
  const { served, folder, server } = bench;
  await using daemon = await startDockerd();
  const config = ["--config", `${folder.path}/docker-cli`];
  const name = `${server.address}/app:1`;
  await daemon.docker(...config, "login", "-u", "anybody", "-p", server.token, server.address);
  await daemon.docker(...config, "pull", "-q", name);
  const id = await idOf(served, "app:1");
  assertEquals((await daemon.docker("image", "inspect", "--format", "{{.Id}}", name)).trim(), id);
  const digest = await digestOf(served, "store:app:1");
  const digests = await daemon.docker("image", "inspect", "--format", "{{.RepoDigests}}", name);
  assertStringIncludes(digests, `${server.address}/app@${digest}`);
  await daemon.docker("tag", name, `${server.address}/from/docker:1`);
  await daemon.docker(...config, "push", "-q", `${server.address}/from/docker:1`);
  assertEquals(await idOf(served, "from/docker:1"), id);
  assertMatch((await mustRun(served, "image", "tree", "from/docker:1")).stdout, /srv\/noise/);
  const listed = (await mustRun(served, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")).stdout.trim();
  assertEquals(listed.split("\n").sort(), ["app:1", "from/docker:1"]);
  const refused = await daemon.docker("--config", `${folder.path}/none`, "pull", name).catch(String);
  assertStringIncludes(refused, "no basic auth credentials");
});
