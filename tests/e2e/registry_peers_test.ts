/** Images that go through a real registry between strata and the tools that others use: digests are the same on both sides. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startDockerd } from "../helpers/dockerd.ts";
import { runPeer } from "../helpers/program.ts";
import { type RegistryProcess, startRegistry } from "../helpers/registry_process.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, runStrata, type StrataOptions, type TempFolder, tempFolder } from "../helpers/strata.ts";

interface Bench extends AsyncDisposable {
  readonly registry: RegistryProcess;
  readonly folder: TempFolder;
  readonly strata: StrataOptions;
  /** Another store with nothing in it. */
  readonly other: StrataOptions;
}

/** A registry, and a store with the image `app` of two layers. */
async function openBench(): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const folder = stack.use(await tempFolder());
  const env = { DOCKER_CONFIG: `${folder.path}/docker`, XDG_RUNTIME_DIR: `${folder.path}/run` };
  const strata = { root: `${folder.path}/root`, env };
  const noise = Array.from({ length: 200_000 }, (_, at) => (at * 2654435761 % 4294967296).toString(36)).join("\n");
  await folder.write({
    "src/Dockerfile": 'FROM scratch\nCOPY noise /srv/noise\nCOPY small /etc/small\nENV A=b\nCMD ["/bin/app"]\n',
    "src/noise": noise,
    "src/small": "small",
  });
  await mustRun(strata, "build", "--quiet", "-t", `${registry.host}/team/app:v1`, `${folder.path}/src`);
  const held = stack.move();
  const other = { root: `${folder.path}/other`, env };
  return { registry, folder, strata, other, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function digestOf(bench: Bench, name: string): Promise<string> {
  return (await mustRun(bench.strata, "manifest", "inspect", "--digest", name)).stdout.trim();
}

const registry = isMissing(peers.dockerRegistry);

Deno.test({
  name: "strata pushes, pulls and pushes again through docker-registry, with docker's output",
  ignore: registry,
}, async () => {
  await using bench = await openBench();
  const { strata, other, registry: { host } } = bench;
  const name = `${host}/team/app`;
  const first = (await mustRun(strata, "push", `${name}:v1`)).stdout;
  assertMatch(
    first,
    new RegExp(
      `^The push refers to repository \\[${name}\\]\n([0-9a-f]{12}: Push(ing|ed)\n)+v1: digest: sha256:[0-9a-f]{64} size: \\d+\n$`,
    ),
  );
  const again = (await mustRun(strata, "push", `${name}:v1`)).stdout;
  assertEquals(again.split("\n").at(-2), first.split("\n").at(-2));
  assertStringIncludes(again, ": Layer already exists\n");
  const digest = await digestOf(bench, `${name}:v1`);
  const pulled = (await mustRun(other, "pull", `${name}:v1`)).stdout;
  assertStringIncludes(pulled, "v1: Pulling from team/app\n");
  assert(
    pulled.endsWith(`Digest: ${digest}\nStatus: Downloaded newer image for ${name}:v1\n${name}:v1\n`),
    pulled,
  );
  const current = (await mustRun(other, "pull", `${name}:v1`)).stdout;
  assertStringIncludes(current, `Status: Image is up to date for ${name}:v1\n`);
  await mustRun(other, "tag", `${name}:v1`, `${host}/team/copy`);
  const mounted = (await mustRun(other, "push", `${host}/team/copy`)).stdout;
  assertStringIncludes(mounted, "Using default tag: latest\n");
  assertStringIncludes(mounted, ": Mounted from team/app\n");
  assertStringIncludes(mounted, `latest: digest: ${digest} size: `);
  assertEquals((await mustRun(strata, "tags", "ls", `${host}/team/copy`)).stdout, "latest\n");
  const { stdout: quiet } = await mustRun(other, "pull", "-q", `${name}@${digest}`, `${name}:v1`);
  assertEquals(quiet, `${name}@${digest}\n${name}:v1\n`);
  const missing = await runStrata(other, "pull", `${name}:v2`);
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "v2");
});

const skopeo = isMissing(peers.dockerRegistry, peers.skopeo);
Deno.test({ name: "skopeo pulls what strata pushes and strata what skopeo pushes", ignore: skopeo }, async () => {
  await using bench = await openBench();
  const { strata, other, folder, registry: { host } } = bench;
  for (const compression of ["gzip", "zstd"]) {
    const name = `${host}/team/${compression}`;
    await mustRun(strata, "tag", `${host}/team/app:v1`, name);
    await mustRun(strata, "push", "-q", "--compression", compression, name);
    const digest = await digestOf(bench, name);
    const layout = `oci:${folder.path}/${compression}:latest`;
    await runPeer("skopeo", "copy", "--insecure-policy", "-q", "--src-tls-verify=false", `docker://${name}`, layout);
    assertEquals(JSON.parse(await runPeer("skopeo", "inspect", layout)).Digest, digest);
    const back = `docker://${host}/back/${compression}`;
    await runPeer("skopeo", "copy", "--insecure-policy", "-q", "--dest-tls-verify=false", layout, back);
    await mustRun(other, "pull", "-q", `${host}/back/${compression}`);
    assertEquals(await digestOf(bench, `${host}/back/${compression}`), digest);
    await mustRun(other, "copy", "-q", `registry:${host}/back/${compression}`, `oci-archive:${folder.path}/a.tar`);
    assertEquals(JSON.parse(await runPeer("skopeo", "inspect", `oci-archive:${folder.path}/a.tar`)).Digest, digest);
  }
  const ids = (await mustRun(other, "image", "ls", "-q")).stdout.trim().split("\n");
  assertEquals(new Set(ids).size, 1);
});

const podman = isMissing(peers.dockerRegistry, peers.podman, "root");
Deno.test({ name: "podman pulls what strata pushes and strata what podman pushes", ignore: podman }, async () => {
  await using bench = await openBench();
  const { strata, other, folder, registry: { host } } = bench;
  const run = (...args: readonly string[]): Promise<string> =>
    runPeer(
      "podman",
      "--root",
      `${folder.path}/p`,
      "--runroot",
      `${folder.path}/r`,
      "--storage-driver",
      "vfs",
      ...args,
    );
  const name = `${host}/team/app:v1`;
  await mustRun(strata, "push", "-q", name);
  await run("pull", "-q", "--tls-verify=false", name);
  const [image] = JSON.parse(await run("image", "inspect", name));
  assertEquals(image.Digest, await digestOf(bench, name));
  assertEquals(image.Config.Cmd, ["/bin/app"]);
  await run("push", "-q", "--tls-verify=false", name, `${host}/back/app:v1`);
  await mustRun(other, "pull", "-q", `${host}/back/app:v1`);
  const inspected = JSON.parse((await mustRun(other, "inspect", `${host}/back/app:v1`)).stdout);
  assertEquals(inspected[0].Id, `sha256:${image.Id}`);
  await run("rmi", "--force", "--all");
});

const docker = isMissing(peers.dockerRegistry, peers.docker, peers.dockerd, "root");
Deno.test({ name: "docker pulls what strata pushes and strata what docker pushes", ignore: docker }, async () => {
  await using bench = await openBench();
  await using daemon = await startDockerd();
  const { strata, other, registry: { host } } = bench;
  const name = `${host}/team/app:v1`;
  await mustRun(strata, "push", "-q", name);
  await daemon.docker("pull", "--quiet", name);
  const digests = await daemon.docker("image", "inspect", "--format", "{{json .RepoDigests}}", name);
  assertEquals(JSON.parse(digests), [`${host}/team/app@${await digestOf(bench, name)}`]);
  await daemon.docker("tag", name, `${host}/back/app:v1`);
  const pushed = await daemon.docker("push", `${host}/back/app:v1`);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1];
  const pulled = (await mustRun(other, "pull", `${host}/back/app:v1`)).stdout;
  assertStringIncludes(pulled, `Digest: ${digest}\n`);
  const [theirs] = JSON.parse(await daemon.docker("image", "inspect", name));
  const [ours] = JSON.parse((await mustRun(other, "inspect", `${host}/back/app:v1`)).stdout);
  assertEquals([ours.Config.Cmd, ours.RootFS], [theirs.Config.Cmd, theirs.RootFS]);
});

Deno.test(
  { name: "strata builds from a registry into a registry, with the base only mounted", ignore: registry },
  async () => {
    await using bench = await openBench();
    const { strata, other, folder, registry: { host } } = bench;
    const base = `${host}/team/app:v1`;
    await mustRun(strata, "push", "-q", base);
    await folder.write({ "next/Dockerfile": `FROM ${base}\nENV C=d\n` });
    const target = `${host}/team/next:v2`;
    const { stderr } = await mustRun(other, "build", "--progress=plain", "--push", "-t", target, `${folder.path}/next`);
    const digest = await digestOf(bench, target);
    assertStringIncludes(stderr, `pushed ${target}@${digest}\n`);
    const config = JSON.parse((await mustRun(strata, "manifest", "inspect", "--config", target)).stdout);
    assertEquals(config.config.Env.includes("C=d"), true);
    let bytes = 0;
    for await (const entry of Deno.readDir(`${other.root}/blobs/sha256`)) {
      bytes += (await Deno.stat(`${other.root}/blobs/sha256/${entry.name}`)).size;
    }
    assert(bytes < 10_000, `${bytes} bytes were fetched`);
    await mustRun(other, "build", "-q", "-t", "next", `${folder.path}/next`);
    assertStringIncludes((await mustRun(other, "image", "tree", "next")).stdout, "/srv/noise");
  },
);

Deno.test({ name: "strata removes images from a registry that allows it", ignore: registry }, async () => {
  await using bench = await openBench();
  const { strata, registry: { host } } = bench;
  const name = `${host}/team/app`;
  await mustRun(strata, "push", "-q", `${name}:v1`);
  const digest = await digestOf(bench, `${name}:v1`);
  const { stdout } = await mustRun(strata, "image", "rm", "--remote", `${name}@${digest}`);
  assertEquals(stdout, `Deleted: ${digest}\n`);
  assertEquals((await runStrata(strata, "pull", `${name}:v1`)).code, 1);
});
