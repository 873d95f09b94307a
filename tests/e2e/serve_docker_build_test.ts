/** The docker client builds with strata serve: as with dockerd, what is cut off, and what is hostile. serve_docker_test.ts lists what differs. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerPeers, makeBusyboxRoot } from "../helpers/busybox_root.ts";
import { type DockerClient, dockerClient, type DockerRun } from "../helpers/docker_client.ts";
import { must, startPair } from "../helpers/docker_pair.ts";
import { makePlainUser } from "../helpers/plain_user.ts";
import { rawTar } from "../helpers/raw_tar.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { type ServeProcess, startServe } from "../helpers/serve.ts";
import { tempFolder } from "../helpers/strata.ts";

const { busybox, crun } = containerPeers;
const ignoreRuns = isMissing(peers.docker, peers.tar, busybox, crun, "root");
const ignorePair = ignoreRuns || isMissing(peers.dockerd);

async function busyboxTar(): Promise<Uint8Array<ArrayBuffer>> {
  using root = makeBusyboxRoot();
  const { stdout } = await new Deno.Command("tar", { args: ["-C", root.path, "-c", "."] }).output();
  return stdout;
}

/** What a build printed without what tells of containers, IDs and times of this server or that. */
function shownBuild({ stdout }: DockerRun): string {
  return stdout
    .replace(/^Sending build context.*\n/gm, "")
    .replace(/^ ---> \[Warning\] IPv4 forwarding.*\n/gm, "")
    // strata tells it of instructions that make a layer only.
    .replace(/^ ---> Using cache\n/gm, "")
    .replace(/^ ---> Running in .*\n/gm, "")
    .replace(/Remov(?:ing|ed) intermediate container .*\n/g, "")
    .replace(/( ---> |Successfully built )[0-9a-f]{12}$/gm, "$1ID");
}

Deno.test({ name: "docker build prints the same with strata serve as with dockerd", ignore: ignorePair }, async (t) => {
  await using pair = await startPair();
  const { strata, dockerd, folder } = pair;
  const tar = await busyboxTar();
  for (const client of [strata, dockerd]) await must(client.feed(tar, "import", "-", "busybox:1"));
  const path = `${folder.path}/src`;
  const build = async (...args: string[]): Promise<DockerRun> => {
    const [ours, theirs] = await Promise.all([strata.run("build", ...args), dockerd.run("build", ...args)]);
    assertEquals(shownBuild(ours), shownBuild(theirs), args.join(" "));
    assertEquals(ours.code, theirs.code);
    return ours;
  };

  await t.step("stages, output, arguments, names", async () => {
    await folder.write({
      "src/Dockerfile": [
        "ARG TAG=1",
        "FROM busybox:1 AS made",
        "ARG NAME=world",
        "# a comment",
        "RUN echo hello \\",
        "  $NAME",
        "RUN echo careful >&2",
        'RUN ["/bin/echo", "two"]',
        "FROM busybox:1",
        "COPY a /a",
        "COPY --from=made /etc/passwd /b",
        "ENV X=y",
        "CMD cat /a",
        "",
      ].join("\n"),
      "src/a": "a",
    });
    const args = ["--build-arg", "NAME=you", "--build-arg", "NONE=1", "-t", "app:1", "-t", "quay.io/team/app"];
    const first = await build(...args, path);
    assertEquals(first.stdout.includes("Using cache"), false);
    assertStringIncludes(first.stdout, "hello you\n");
    assertStringIncludes(first.stdout, "[Warning] One or more build-args [NONE] were not consumed\n");
    assertStringIncludes(first.stdout, "Successfully tagged app:1\nSuccessfully tagged quay.io/team/app:latest\n");
    const again = await build(...args, path);
    assertEquals(again.stdout.match(/ ---> Using cache/g)?.length, 5);
    await build("--target", "made", path);
    await build("--target", "MADE", "--no-cache", "-f", `${path}/Dockerfile`, path);
  });

  await t.step("contexts from standard input, quiet builds, files with IDs", async () => {
    const context = await new Deno.Command("tar", { args: ["-C", path, "-cz", "."] }).output();
    for (const client of [strata, dockerd]) {
      const id = (await must(client.feed(context.stdout, "build", "-q", "--iidfile", `${folder.path}/iid`, "-")))
        .trim();
      assert(/^sha256:[0-9a-f]{64}$/.test(id));
      assertEquals((await Deno.readTextFile(`${folder.path}/iid`)).trim(), id);
      await must(client.feed(new TextEncoder().encode("FROM scratch\nLABEL a=b\n"), "build", "-"));
      const outside = new TextEncoder().encode("FROM scratch\nCOPY a /a\n");
      assertStringIncludes(await must(client.feed(outside, "build", "-f", "-", path)), "Step 2/2 : COPY a /a");
    }
  });

  await t.step("files that are ignored", async () => {
    await folder.write({
      "ignoring/Dockerfile": "FROM busybox:1\nCOPY . /srv/\nRUN ls -a /srv\n",
      "ignoring/.dockerignore": "Dockerfile\n.dockerignore\n*.log\n!kept.log\n",
      "ignoring/a": "a",
      "ignoring/b.log": "b",
      "ignoring/kept.log": "c",
      "keeping/Dockerfile": "FROM busybox:1\nCOPY . /srv/\nRUN ls -a /srv\n",
      "keeping/.dockerignore": "none\n",
    });
    const ignoring = await build("--no-cache", `${folder.path}/ignoring`);
    assertStringIncludes(ignoring.stdout, "\n..\na\nkept.log\n");
    const keeping = await build("--no-cache", `${folder.path}/keeping`);
    assertStringIncludes(keeping.stdout, "\n.dockerignore\nDockerfile\n");
  });

  await t.step("builds that fail", async () => {
    await folder.write({
      "src/fails": "FROM busybox:1\nRUN echo before; exit 7\nRUN echo never\n",
      "src/wrong": "FROM busybox:1\nNOPE x\n",
      "src/missing": "FROM busybox:1\nCOPY none /x\n",
    });
    const failed = await build("-f", `${path}/fails`, path);
    assertEquals(failed.code, 7);
    for (const client of [strata, dockerd]) {
      const quiet = await client.run("build", "-q", "-f", `${path}/fails`, path);
      assertEquals([quiet.code, quiet.stdout], [7, ""]);
      assertStringIncludes(quiet.stderr, "before\n");
      assertStringIncludes(quiet.stderr, "The command '/bin/sh -c echo before; exit 7' returned a non-zero code: 7\n");
      for (const file of ["wrong", "missing"]) {
        assertEquals((await client.run("build", "-f", `${path}/${file}`, path)).code, 1);
      }
      const target = await client.run("build", "--target", "none", path);
      assertEquals(target.code, 1);
      assertStringIncludes(target.stderr, "none");
    }
    const empty = await Promise.all(
      [strata, dockerd].map((each) => each.feed(rawTar([{ name: "x", text: "x" }]), "build", "-")),
    );
    for (const { stderr } of empty) assertStringIncludes(stderr, "Cannot locate specified Dockerfile: Dockerfile");
  });
});

/** A server with an image of busybox, and its client. */
async function startBuilder(): Promise<
  AsyncDisposable & { readonly server: ServeProcess; readonly client: DockerClient }
> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const options = { root: `${folder.path}/root` };
  const server = stack.use(await startServe(options, "--socket", `${folder.path}/api.sock`));
  const client = dockerClient(server.url, { config: `${folder.path}/docker` });
  await must(client.feed(await busyboxTar(), "import", "-", "busybox:1"));
  const held = stack.move();
  return { server, client, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Whether a process of this machine has a word in its command line. */
function isRunning(word: string): boolean {
  return [...Deno.readDirSync("/proc")].some(({ name }) => {
    if (!/^[0-9]+$/.test(name)) return false;
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`).includes(word);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!await holds()) {
    if (Date.now() > deadline) throw new Error(`it never came to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test(
  { name: "Ctrl-C of docker build ends the build of strata serve, whose next build works", ignore: ignoreRuns },
  async () => {
    await using builder = await startBuilder();
    const { client } = builder;
    const seconds = "86321";
    const file = rawTar([{ name: "Dockerfile", text: `FROM busybox:1\nRUN exec sleep ${seconds}\n` }]);
    const path = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${path}/Dockerfile`, `FROM busybox:1\nRUN exec sleep ${seconds}\n`);
      await using child = client.spawn("build", path);
      await until(() => isRunning(seconds), "the command runs");
      child.kill("SIGINT");
      await child.output();
      await until(() => !isRunning(seconds), "the command is gone");
      // The connection goes away in the midst of the answer.
      const controller = new AbortController();
      const cut = builder.server.fetch("/build", { method: "POST", body: file, signal: controller.signal }).then(
        (response) => response.text(),
        () => "",
      );
      await until(() => isRunning(seconds), "the command runs again");
      controller.abort();
      await cut.catch(() => {});
      await until(() => !isRunning(seconds), "it is gone again");
      // By the ID that the client gave.
      const canceled = builder.server.fetch("/v1.41/build?buildid=b1", { method: "POST", body: file });
      await until(() => isRunning(seconds), "and once more");
      const answer = await builder.server.fetch("/v1.41/build/cancel?id=b1", { method: "POST" });
      assertEquals([answer.status, await answer.text()], [200, ""]);
      assertStringIncludes(await (await canceled).text(), 'it was canceled"}');
      assertEquals(isRunning(seconds), false);
      await Deno.writeTextFile(`${path}/Dockerfile`, "FROM busybox:1\nRUN echo fine\n");
      assertStringIncludes(await must(client.run("build", path)), "\nfine\n");
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
);

Deno.test({ name: "docker builds two images with strata serve at once", ignore: ignoreRuns }, async () => {
  await using builder = await startBuilder();
  const { client } = builder;
  const build = (word: string): Promise<DockerRun> => {
    const text = `FROM busybox:1\nRUN echo ${word} && echo ${word} > /word\nRUN cat /word\n`;
    return client.feed(rawTar([{ name: "Dockerfile", text }]), "build", "-t", `app:${word}`, "-");
  };
  const runs = await Promise.all(["one", "two", "one"].map(build));
  for (const [at, word] of ["one", "two", "one"].entries()) {
    const { code, stdout } = runs[at] ?? { code: -1, stdout: "" };
    assertEquals(code, 0);
    assertStringIncludes(stdout, `Step 3/3 : RUN cat /word\n`);
    assertStringIncludes(stdout, `Successfully tagged app:${word}\n`);
    assertEquals(stdout.includes(word === "one" ? "two" : "one"), false);
  }
  const tags = (await must(client.run("images", "--format", "{{.Tag}}", "app"))).trim().split("\n");
  assertEquals(tags.sort(), ["one", "two"]);
});

Deno.test({
  name: "strata serve refuses contexts of docker builds that are broken or lead out of themselves",
  ignore: isMissing(peers.docker),
}, async () => {
  await using folder = await tempFolder();
  await using server = await startServe({ root: `${folder.path}/root` }, "--socket", `${folder.path}/api.sock`);
  const build = async (body: Uint8Array<ArrayBuffer>, query = ""): Promise<string> => {
    const response = await server.fetch(`/build${query}`, { method: "POST", body });
    return `${response.status} ${await response.text()}`;
  };
  const outside = `${folder.path}/outside`;
  await Deno.mkdir(outside);
  await Deno.writeTextFile(`${outside}/secret`, "hidden words");
  const dockerfile = { name: "Dockerfile", text: "FROM scratch\nCOPY . /\n" };
  const good = rawTar([dockerfile, { name: "a", text: "a" }]);
  assertStringIncludes(await build(good), "200 ");
  assertStringIncludes(await build(good.slice(0, 530)), "400 ");
  assertStringIncludes(await build(new TextEncoder().encode("x".repeat(5000))), "400 ");
  assertStringIncludes(await build(new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3])), '{"message":');
  assertStringIncludes(
    await build(rawTar([dockerfile, { name: "../../climbs", text: "x" }])),
    "leads outside the archive",
  );
  assertStringIncludes(await build(good, "?dockerfile=../../../etc/passwd"), "400 ");
  assertStringIncludes(await build(good, `?dockerfile=${outside}/secret`), "400 ");
  assertStringIncludes(await build(good, `?remote=${outside}`), "could not be recognized as URL");
  // What a link in the context names is looked for in the context, not on this machine.
  const link = { name: "l", type: "2", link: outside } as const;
  const reads = { name: "Dockerfile", text: "FROM scratch\nCOPY l/secret /s\n" };
  const led = await build(rawTar([reads, link]));
  assertStringIncludes(led, "not found");
  const asFile = await build(rawTar([{ name: "Dockerfile", type: "2", link: `${outside}/secret` }]));
  assertEquals(asFile.includes("hidden"), false);
  await build(rawTar([dockerfile, link, { name: "l/written", text: "x" }]));
  assertEquals([...Deno.readDirSync(outside)].map(({ name }) => name), ["secret"]);
  assertEquals((await server.fetch("/_ping")).status, 200);
});

const ignoreUser = ignoreRuns || isMissing(
  { program: "newuidmap", debianPackage: "uidmap" },
  { program: "useradd", debianPackage: "passwd" },
);
Deno.test(
  { name: "docker builds with a strata serve of a user who is not root, and commands run", ignore: ignoreUser },
  async () => {
    await using folder = await tempFolder();
    await using user = await makePlainUser();
    const socket = `${user.home}/api.sock`;
    await using server = user.start("serve", "--socket", socket);
    const [forTest, forLog] = server.stderr.tee();
    const log = new Response(forLog).text();
    const reader = forTest.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; !text.includes("Listening on ");) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`it ended: ${text}`);
      text += value;
    }
    await reader.cancel();
    const client = dockerClient(`unix://${socket}`, { config: `${folder.path}/docker` });
    await must(client.feed(await busyboxTar(), "import", "-", "busybox:1"));
    const text = "FROM busybox:1\nRUN id -u && touch /x && chown 5:6 /x && stat -c %u:%g /x\n";
    assertStringIncludes(await must(client.feed(rawTar([{ name: "Dockerfile", text }]), "build", "-")), "\n0\n5:6\n");
    server.kill("SIGTERM");
    assertEquals((await server.status).code, 0, await log);
  },
);
