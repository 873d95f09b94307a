/** The docker client moves images between strata serve and registries: as with dockerd, with logins, and of one server to the other. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type DockerClient, dockerClient, type DockerRun } from "../helpers/docker_client.ts";
import { must, startPair } from "../helpers/docker_pair.ts";
import { registryUser, startRegistryPlace } from "../helpers/registry_place.ts";
import { startRegistry } from "../helpers/registry_process.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { startServe } from "../helpers/serve.ts";
import { type TempFolder, tempFolder } from "../helpers/strata.ts";

const ignore = isMissing(peers.docker, peers.dockerRegistry);

async function writeSource(folder: TempFolder): Promise<string> {
  await folder.write({
    "src/Dockerfile": 'FROM scratch\nCOPY a /a\nCOPY b /b\nLABEL x=y\nCMD ["/a"]\n',
    "src/a": "a".repeat(5000),
    "src/b": "b",
  });
  return `${folder.path}/src`;
}

/** Lines of a transfer without IDs of layers, sizes and digests, each once: their order is that of the network. */
function shownTransfer({ stdout }: DockerRun): readonly string[] {
  const lines = stdout.replace(/[0-9a-f]{64}/g, "DIGEST").replace(/size: [0-9]+/g, "size: N").trim().split("\n");
  return [...new Set(lines.map((line) => line.replace(/^[0-9a-f]{12}: /, "LAYER: ")))].sort();
}

Deno.test({
  name: "docker pushes and pulls with strata serve as with dockerd, and each takes what the other pushed",
  ignore: ignore || isMissing(peers.dockerd, "root"),
}, async () => {
  await using pair = await startPair();
  await using registry = await startRegistry();
  const { strata, dockerd, folder, same } = pair;
  const source = await writeSource(folder);
  const nameOf = (client: DockerClient): string => `${registry.host}/team/${client === strata ? "ours" : "theirs"}`;
  const both = async (work: (client: DockerClient) => Promise<DockerRun>): Promise<void> => {
    const [ours, theirs] = [await work(strata), await work(dockerd)];
    const renamed = shownTransfer(theirs).map((line) => line.replaceAll("team/theirs", "team/ours"));
    // What takes a moment is shown as it goes on, or not.
    const settled = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) =>
        !/^LAYER: (?:Waiting|Preparing|Pushing|Downloading|Verifying Checksum|Extracting)/.test(line)
      );
    assertEquals(settled(shownTransfer(ours)), settled(renamed));
    assertEquals([ours.code, ours.stderr], [theirs.code, theirs.stderr.replaceAll("team/theirs", "team/ours")]);
  };
  for (const client of [strata, dockerd]) await must(client.run("build", "-q", "-t", `${nameOf(client)}:1`, source));
  await both((client) => client.run("push", `${nameOf(client)}:1`));
  await both((client) => client.run("push", `${nameOf(client)}:1`));
  await both((client) => client.run("push", `${nameOf(client)}:none`));
  for (const client of [strata, dockerd]) {
    // What the registry calls it is what the server calls it.
    const digests = await must(client.run("image", "inspect", "-f", "{{json .RepoDigests}}", `${nameOf(client)}:1`));
    const manifest = await fetch(
      `http://${registry.host}/v2/${nameOf(client).split("/").slice(1).join("/")}/manifests/1`,
      {
        method: "HEAD",
        headers: {
          accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json",
        },
      },
    );
    assertEquals(JSON.parse(digests), [`${nameOf(client)}@${manifest.headers.get("docker-content-digest")}`]);
  }
  for (const client of [strata, dockerd]) await must(client.run("rmi", `${nameOf(client)}:1`));
  await both((client) => client.run("pull", `${nameOf(client)}:1`));
  await both((client) => client.run("pull", `${nameOf(client)}:1`));
  await both((client) => client.run("pull", `${nameOf(client)}:none`));
  await both((client) => client.run("pull", "-a", nameOf(client)));
  // The other way round, the same image on both sides.
  const [ours, theirs] = [`${nameOf(strata)}:1`, `${nameOf(dockerd)}:1`];
  await must(strata.run("pull", "-q", theirs));
  await must(dockerd.run("pull", "-q", ours));
  await same("images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}}");
  for (const name of [ours, theirs]) {
    await same(
      "image",
      "inspect",
      "-f",
      "{{.Id}} {{.RepoTags}} {{.RepoDigests}} {{.Config.Cmd}} {{.RootFS.Layers}}",
      name,
    );
  }
  const digest = (await must(strata.run("image", "inspect", "-f", "{{index .RepoDigests 0}}", ours))).trim();
  await same("pull", digest);
  await same("rmi", ours);
});

for (const kind of ["htpasswd", "tokens"] as const) {
  Deno.test(
    { name: `docker logs in, pushes, pulls and builds with strata serve at a registry with ${kind}`, ignore },
    async () => {
      await using place = await startRegistryPlace(kind);
      await using folder = await tempFolder();
      const source = await writeSource(folder);
      // The server has no logins of its own.
      const options = { root: `${folder.path}/root`, env: { DOCKER_CONFIG: `${folder.path}/none` } };
      await using server = await startServe(options, "--socket", `${folder.path}/api.sock`);
      const client = dockerClient(server.url, { config: `${folder.path}/docker` });
      const stranger = dockerClient(server.url, { config: `${folder.path}/stranger` });
      const { host } = place.registry;
      const name = `${host}/team/app:1`;
      await must(client.run("build", "-q", "-t", name, source));
      assertEquals((await client.run("push", name)).code, 1);

      const password = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
      const login = ["login", "-u", registryUser.username, "--password-stdin", host];
      const wrong = await client.feed(password("wrong"), ...login);
      assertEquals(wrong.code, 1);
      const logged = await client.feed(password(registryUser.secret), ...login);
      assertStringIncludes(await must(Promise.resolve(logged)), "Login Succeeded");

      assertStringIncludes(await must(client.run("push", name)), "1: digest: sha256:");
      await must(client.run("rmi", name));
      // Neither the other user nor the server itself has the login.
      const refused = await stranger.run("pull", name);
      assertEquals(refused.code, 1);
      assertMatch(refused.stderr, /pull access denied for .*, repository does not exist or may require 'docker login'/);
      assertStringIncludes(await must(client.run("pull", name)), "Status: Downloaded newer image for");
      await must(client.run("rmi", name));
      await folder.write({ "on/Dockerfile": `FROM ${name}\nCOPY Dockerfile /c\n` });
      assertEquals((await stranger.run("build", `${folder.path}/on`)).code, 1);
      assertStringIncludes(
        await must(client.run("build", "-t", "on:1", `${folder.path}/on`)),
        "Successfully tagged on:1",
      );
      const auth = btoa(JSON.stringify({ username: registryUser.username, password: registryUser.secret }));
      const told = await server.fetch(`/distribution/${name}/json`, { headers: { "x-registry-auth": auth } });
      const { Descriptor, Platforms } = await told.json();
      assertMatch(Descriptor.digest, /^sha256:[0-9a-f]{64}$/);
      assertEquals(Platforms.length, 1);
      const secret = await server.fetch(`/distribution/${name}/json`);
      assertEquals(secret.status, 401);
      await secret.body?.cancel();
    },
  );
}

Deno.test({
  name: "docker version, info, ping and what is not supported tell of strata serve",
  ignore: isMissing(peers.docker),
}, async () => {
  await using folder = await tempFolder();
  await using server = await startServe({ root: `${folder.path}/root` }, "--socket", `${folder.path}/api.sock`);
  const client = dockerClient(server.url, { config: `${folder.path}/docker` });
  assertEquals(
    await must(client.run("version", "-f", "{{.Server.APIVersion}} {{.Server.MinAPIVersion}} {{.Server.Os}}")),
    "1.47 1.24 linux\n",
  );
  assertStringIncludes(await must(client.run("version")), "Server: strata\n Engine:\n");
  assertStringIncludes(await must(client.run("info")), `\n Docker Root Dir: ${folder.path}/root\n`);
  for (const method of ["GET", "HEAD"]) {
    for (const path of ["/_ping", "/v1.24/_ping"]) {
      const response = await server.fetch(path, { method });
      assertEquals([response.status, await response.text()], [200, method === "GET" ? "OK" : ""]);
      const shown = ["api-version", "builder-version", "docker-experimental", "ostype", "swarm"].map((name) =>
        response.headers.get(name)
      );
      assertEquals(shown, ["1.47", "1", "false", "linux", "inactive"]);
    }
  }
  for (const args of [["ps"], ["run", "x"], ["network", "ls"], ["volume", "ls"], ["node", "ls"], ["search", "x"]]) {
    const { code, stderr } = await client.run(...args);
    assertEquals(code === 0, false);
    assertStringIncludes(stderr, "not supported: strata builds, keeps and moves images", args.join(" "));
  }
  const statuses: Readonly<Record<string, number>> = {
    "/containers/json": 501,
    "/v1.41/exec/x/json": 501,
    "/nothing": 404,
    "/v1.23/version": 400,
    "/v1.48/version": 400,
    "/v1.24/version": 200,
    "/images/none/json": 404,
    "/images/docker-archive:%2Fetc%2Fpasswd/json": 400,
    "/images/json?filters=x": 400,
    "/system/df?type=nothing": 400,
  };
  for (const [path, status] of Object.entries(statuses)) {
    const response = await server.fetch(path);
    const body = await response.json();
    assertEquals(response.status, status, path);
    if (status !== 200) assertEquals(typeof body.message, "string", path);
  }
  assertEquals(await (await server.fetch("/nothing")).json(), { message: "page not found" });
});

Deno.test({
  name: "strata serve --readonly gives images to the docker client and takes none",
  ignore: isMissing(peers.docker),
}, async () => {
  await using folder = await tempFolder();
  const source = await writeSource(folder);
  const options = { root: `${folder.path}/root` };
  {
    await using server = await startServe(options, "--socket", `${folder.path}/api.sock`);
    await must(dockerClient(server.url, { config: `${folder.path}/docker` }).run("build", "-q", "-t", "app:1", source));
  }
  await using server = await startServe(options, "--socket", `${folder.path}/api.sock`, "--readonly");
  const client = dockerClient(server.url, { config: `${folder.path}/docker` });
  const archive = await client.bytes("save", "app:1");
  await must(client.run("history", "app:1"));
  for (
    const args of [["rmi", "app:1"], ["tag", "app:1", "b"], ["image", "prune", "-f"], ["build", source], ["pull", "a"]]
  ) {
    const { code, stderr } = await client.run(...args);
    assertEquals(code, 1, args.join(" "));
    assertStringIncludes(stderr, "this server only gives", args.join(" "));
  }
  assertStringIncludes((await client.feed(archive, "load")).stderr, "this server only gives");
  assertStringIncludes((await client.feed(archive, "import", "-")).stderr, "this server only gives");
  assertEquals(await must(client.run("images", "--format", "{{.Repository}}:{{.Tag}}")), "app:1\n");
});

Deno.test({ name: "the commands that docs/api.md shows for docker run", ignore: isMissing(peers.docker) }, async () => {
  await using folder = await tempFolder();
  const root = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");
  const page = await Deno.readTextFile(`${root}/docs/api.md`);
  const section = page.slice(page.indexOf("## Docker's Engine API"));
  const [serve = "", client = ""] = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
  assertMatch(serve, /^strata serve --api docker --socket strata\.sock\n$/);
  const socket = `${folder.path}/strata.sock`;
  await using server = await startServe({ root: `${folder.path}/root` }, "--api", "docker", "--socket", socket);
  assertEquals((await server.fetch("/v2/")).status, 404);
  const script = client.replaceAll("$PWD/strata.sock", socket).replaceAll("hello.tar", `${folder.path}/hello.tar`);
  const env = { DOCKER_CONFIG: `${folder.path}/docker` };
  const output = await new Deno.Command("sh", { args: ["-ec", script], cwd: root, env, stdin: "null" }).output();
  const text = new TextDecoder().decode(output.stdout);
  assertEquals(output.code, 0, new TextDecoder().decode(output.stderr));
  assertStringIncludes(text, "Successfully tagged hello:latest\n");
  assertStringIncludes(text, "Loaded image: hello:copy\n");
});
