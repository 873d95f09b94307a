/**
 * The docker client with strata serve and with dockerd: the same commands on the same images print the same. What differs, and why:
 *
 * - `docker version` and `docker info` tell of the server that answers.
 * - `GraphDriver`, `Metadata`, `Parent`, `Container`, `ContainerConfig`: of how the server keeps images. strata runs no containers.
 * - IDs of the history: the classic builder keeps an image for each step; both show `<missing>` for an image that was loaded.
 * - Builds: IDs of steps and images, as the history of a config is written in BuildKit's way, and what is said of intermediate containers.
 *   The line of a `--label` is not counted as a step, and the ID behind a FROM whose name has variables is left out.
 * - `docker import --platform`: older versions of dockerd ignore it; `docker import --change`: the config has the usual PATH as well.
 * - Messages about Dockerfiles and archives that are wrong.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DockerClient, DockerRun } from "../helpers/docker_client.ts";
import { type DockerPair, must, startPair } from "../helpers/docker_pair.ts";
import { isMissing, peers } from "../helpers/require.ts";

const ignore = isMissing(peers.docker, peers.dockerd, peers.tar, "root");

const dockerfile = [
  "FROM scratch",
  "COPY a /srv/a",
  "COPY b /srv/b",
  "ENV A=b",
  "LABEL stage=test",
  "WORKDIR /srv",
  "EXPOSE 80",
  'CMD ["/bin/app"]',
  "",
].join("\n");

/** Builds two images in strata and gives them to both, under the same names. */
async function shareImages({ strata, dockerd, folder }: DockerPair): Promise<void> {
  await folder.write({ "src/Dockerfile": dockerfile, "src/a": "a".repeat(1000), "src/b": "b" });
  await must(strata.run("build", "-q", "-t", "app:1", "-t", "quay.io/team/app:2", `${folder.path}/src`));
  await must(strata.run("build", "-q", "-t", "other", "--label", "stage=prod", `${folder.path}/src`));
  const archive = await strata.bytes("save", "app:1", "quay.io/team/app:2", "other");
  // dockerd names nothing that it does not unpack itself.
  await must(dockerd.feed(archive, "load"));
}

Deno.test(
  { name: "docker lists, inspects, names and removes images of strata serve as those of dockerd", ignore },
  async (t) => {
    await using pair = await startPair();
    const { strata, dockerd, same } = pair;
    await shareImages(pair);

    await t.step("images", async () => {
      const rows = "{{.Repository}} {{.Tag}} {{.ID}} {{.Size}}";
      const all = await same("images", "--no-trunc", "--format", rows);
      assertEquals(all.stdout.trim().split("\n").length, 3);
      for (
        const args of [
          ["-q"],
          ["-a", "--format", rows],
          ["app", "--format", rows],
          ["--filter", "reference=quay.io/*/app", "--format", rows],
          ["--filter", "label=stage=prod", "--format", rows],
          ["--filter", "label=none", "-q"],
          ["--filter", "dangling=true", "-q"],
          ["--filter", "before=app:1", "-q"],
          ["--filter", "since=app:1", "--format", rows],
          ["--filter", "before=nope", "-q"],
        ]
      ) await same("images", ...args);
    });

    await t.step("inspect", async () => {
      for (const name of ["app:1", "quay.io/team/app:2", "other:latest"]) {
        const read = async (client: DockerClient): Promise<Record<string, unknown>> => {
          const [image] = JSON.parse(await must(client.run("image", "inspect", name)));
          const { GraphDriver, Metadata, Parent, Container, ContainerConfig, ...rest } = image;
          for (const member of [GraphDriver, Metadata, Parent, Container, ContainerConfig]) {
            assert(member !== undefined);
          }
          return rest;
        };
        assertEquals(await read(strata), await read(dockerd));
      }
      // Any type: containers are asked for first, and there are none.
      await same("inspect", "--format", "{{.Id}} {{.Config.Cmd}} {{.RootFS.Layers}}", "app:1");
      await same("image", "inspect", "--format", "{{json .Config}} {{.Size}} {{.Os}}/{{.Architecture}}", "other");
    });

    await t.step("history", async () => {
      const rows = "{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}";
      const { stdout } = await same("history", "--no-trunc", "--format", rows, "app:1");
      assertStringIncludes(stdout, "|COPY a /srv/a|1kB|");
      await same("history", "-q", "other");
    });

    await t.step("errors", async () => {
      for (
        const args of [
          ["history", "nope"],
          ["tag", "nope", "x"],
          ["rmi", "nope"],
          ["rmi", "nope:1", "quay.io/none/app"],
          ["tag", "app:1", "sha256:x"],
          ["save", "-o", "/dev/null", "nope"],
          ["images", "--filter", "dangling=maybe"],
        ]
      ) {
        const [ours, theirs] = await Promise.all([strata.run(...args), dockerd.run(...args)]);
        // Newer versions of docker write this one in small letters.
        assertEquals(ours, { ...theirs, stderr: theirs.stderr.replace("Invalid filter", "invalid filter") });
        assertEquals(ours.code, 1, args.join(" "));
      }
      const missing = await strata.run("image", "inspect", "nope");
      assertEquals(missing.code, 1);
      assertStringIncludes(missing.stderr, "No such image: nope");
    });

    await t.step("tag and rmi", async () => {
      const id = (await must(strata.run("images", "-q", "app:1"))).trim();
      await same("tag", "app:1", "app:copy");
      await same("tag", id, "localhost:5000/app");
      const conflict = await same("rmi", id);
      assertStringIncludes(conflict.stderr, "(must be forced) - image is referenced in multiple repositories");
      await same("rmi", "app:copy");
      await same("rmi", "localhost:5000/app", "quay.io/team/app:2");
      // The names that are left, then the image with its layers; other has the same ones.
      await same("rmi", "-f", id);
      const last = await same("rmi", "other");
      assertStringIncludes(last.stdout, "Untagged: other:latest\nDeleted: sha256:");
      assertEquals((await same("images", "-a", "-q")).stdout, "");
    });
  },
);

Deno.test(
  { name: "docker saves, loads, imports and prunes images of strata serve as those of dockerd", ignore },
  async (t) => {
    await using pair = await startPair();
    const { strata, dockerd, folder, same } = pair;
    await shareImages(pair);
    const archive = await strata.bytes("save", "app:1", "other");

    const sameFed = async (input: Uint8Array<ArrayBuffer>, ...args: string[]): Promise<DockerRun> => {
      const [ours, theirs] = await Promise.all([strata.feed(input, ...args), dockerd.feed(input, ...args)]);
      assertEquals(ours, theirs, args.join(" "));
      return ours;
    };

    await t.step("load", async () => {
      assertEquals((await sameFed(archive, "load")).stdout, "Loaded image: app:1\nLoaded image: other:latest\n");
      await same("rmi", "app:1", "quay.io/team/app:2", "other");
      await sameFed(archive, "load");
      await same("images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.ID}} {{.Size}}");
      const theirs = await dockerd.bytes("save", "other");
      await must(strata.run("rmi", "other"));
      assertEquals((await strata.feed(theirs, "load")).stdout, "Loaded image: other:latest\n");
      await same("images", "-q", "--no-trunc", "other");
      for (const bad of [new Uint8Array(), new TextEncoder().encode("no tar"), archive.slice(0, 3000)]) {
        const refused = await strata.feed(bad, "load");
        assertEquals([refused.code, refused.stdout], [1, ""]);
        assertStringIncludes(refused.stderr, "standard input");
      }
    });

    await t.step("load of a name that another image has", async () => {
      await same("tag", "other", "app:1");
      const { stdout } = await sameFed(archive, "load", "-q");
      assertStringIncludes(stdout, "The image app:1 already exists, renaming the old one with ID ");
    });

    await t.step("import", async () => {
      await new Deno.Command("tar", { args: ["-C", `${folder.path}/src`, "-cf", `${folder.path}/src.tar`, "."] })
        .output();
      const tar = await Deno.readFile(`${folder.path}/src.tar`);
      const args = [
        "import",
        "-c",
        "CMD /a",
        "-c",
        "ENV A=b",
        "-m",
        "a message",
        "--platform",
        "linux/arm64",
        "-",
        "imported:1",
      ];
      for (const client of [strata, dockerd]) {
        assert(/^sha256:[0-9a-f]{64}\n$/.test(await must(client.feed(tar, ...args))));
      }
      await same("image", "inspect", "-f", "{{.Config.Cmd}} {{.Comment}} {{.RootFS.Layers}} {{.Size}}", "imported:1");
      const own = await must(strata.run("image", "inspect", "-f", "{{.Architecture}} {{.Config.Env}}", "imported:1"));
      assertStringIncludes(own, "arm64 [PATH=");
      const refused = await strata.feed(tar, "import", "-c", "RUN x", "-");
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.stderr, 'Cannot apply change "RUN x"');
    });

    await t.step("prune", async () => {
      await same("tag", "other", "imported:1");
      const dangling = await Promise.all([strata, dockerd].map((client) => must(client.run("image", "prune", "-f"))));
      for (const text of dangling) assertStringIncludes(text, "Deleted Images:\ndeleted: sha256:");
      await same("images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}}");
      await same("image", "prune", "-f", "--filter", "label=none");
      await same("image", "prune", "-f", "--filter", "until=1h", "-a");
      const df = "{{.Type}} {{.TotalCount}} {{.Size}}";
      await same("system", "df", "--format", df);
      await must(dockerd.run("image", "prune", "-af"));
      await must(strata.run("image", "prune", "-af"));
      assertEquals((await same("images", "-aq")).stdout, "");
      await must(strata.run("builder", "prune", "-af"));
    });
  },
);

Deno.test({ name: "docker events tells what happened to images of strata serve as of dockerd's", ignore }, async () => {
  await using pair = await startPair();
  const { strata, dockerd } = pair;
  await shareImages(pair);
  const since = String(Math.floor(Date.now() / 1000) - 60);
  for (const client of [strata, dockerd]) {
    await must(client.run("tag", "app:1", "app:2"));
    await must(client.run("rmi", "app:2"));
    const archive = await client.bytes("save", "app:1");
    await must(client.feed(archive, "load"));
    await must(client.run("rmi", "other"));
    await must(client.run("image", "prune", "-f"));
  }
  const read = async (client: DockerClient, ...filters: string[]): Promise<string[]> => {
    const until = String(Math.ceil(Date.now() / 1000) + 1);
    const format =
      '{{.Type}} {{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "name"}} {{index .Actor.Attributes "stage"}}';
    const args = ["events", "--since", since, "--until", until, "--format", format, ...filters];
    // What both did: strata built the images that dockerd loaded.
    return (await must(client.run(...args))).trim().split("\n").slice(filters.length > 0 ? 0 : -7);
  };
  const ours = await read(strata);
  assertEquals(ours, await read(dockerd));
  assertEquals(ours.map((line) => line.split(" ")[1]), ["tag", "untag", "save", "load", "untag", "delete", "prune"]);
  assertEquals((await read(strata, "--filter", "event=untag")).length, 2);
  assertEquals(await read(strata, "--filter", "type=container"), [""]);
  assertEquals((await read(strata, "--filter", "label=stage=prod", "--filter", "event=untag")).length, 1);
});
