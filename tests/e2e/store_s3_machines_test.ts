/** Machines that share a store in a bucket, as their users see it. */
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { containerPeers, findBusybox } from "../helpers/busybox_root.ts";
import { type NpmRegistry, startNpmRegistry } from "../helpers/npm_registry.ts";
import { startRegistryServer } from "../helpers/registry_server.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { type BuildOutput, readBuild } from "../helpers/run_place.ts";
import { makeMachine, type S3Machine } from "../helpers/s3_machine.ts";
import { type S3Server, startS3 } from "../helpers/s3_server.ts";
import { mustRun, runStrata, type TempFolder, tempFolder } from "../helpers/strata.ts";
import { startStrata } from "../helpers/strata_process.ts";

const ignore = isMissing(peers.versitygw);
const ignoreRun = isMissing(peers.versitygw, containerPeers.busybox, containerPeers.crun, "root");

interface Place extends AsyncDisposable {
  readonly server: S3Server;
  readonly registry: NpmRegistry;
  readonly folder: TempFolder;
  machine(...settings: string[]): Promise<S3Machine>;
}

async function makePlace(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const server = stack.use(await startS3());
  const registry = stack.use(await startNpmRegistry("aws4fetch@1.0.20"));
  const kept = stack.move();
  return {
    server,
    registry,
    folder,
    machine: async (...settings) =>
      kept.use(await makeMachine({ server, registry, settings, plugins: ["store_s3"], config: { store: "s3" } })),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A context with a small system, so that commands can be run. */
async function writeSystem(folder: TempFolder, name: string, rest: string): Promise<string> {
  await folder.write({ [`${name}/bin/busybox`]: await Deno.readFile(findBusybox()), [`${name}/a.txt`]: "a\n" });
  await Deno.chmod(`${folder.path}/${name}/bin/busybox`, 0o755);
  await Deno.symlink("busybox", `${folder.path}/${name}/bin/sh`);
  await folder.write({ [`${name}/Dockerfile`]: `FROM scratch\nCOPY bin /bin/\nRUN echo one > /one\n${rest}` });
  return `${folder.path}/${name}`;
}

async function build({ options }: S3Machine, ...args: string[]): Promise<BuildOutput> {
  const env = { ...options.env, SOURCE_DATE_EPOCH: "1700000000" };
  return readBuild(await mustRun({ ...options, env }, "build", "--progress=plain", ...args));
}

Deno.test({
  name: "two machines with nothing but a bucket between them get each other's cache hits, of COPY and RUN",
  ignore: ignoreRun,
  async fn(): Promise<void> {
    await using place = await makePlace();
    const [one, two] = [await place.machine(), await place.machine()];
    const context = await writeSystem(place.folder, "src", "COPY a.txt /\nRUN cat /a.txt /one > /two\n");
    const first = await build(one, "-t", "app", context);
    assertEquals(first.built.length, 4, first.stderr);
    const second = await build(two, "-t", "app", context);
    assertEquals([second.built, second.id], [[], first.id]);
    assertMatch((await mustRun(two.options, "image", "ls")).stdout, /^app +latest /m);

    // What is built on top of the other's layers takes them from the bucket.
    await place.folder.write({
      "src/Dockerfile": `${await Deno.readTextFile(`${context}/Dockerfile`)}RUN cat /two > /three\n`,
    });
    const third = await build(two, "-t", "app:3", context);
    assertEquals(third.built, ["RUN cat /two > /three"]);
    assertEquals((await build(one, "-t", "app:3", context)).built, []);
    for (const { options } of [one, two]) {
      assertMatch((await mustRun(options, "image", "ls")).stdout, /^app +3 /m);
      assertEquals(await exists(`${options.root}/blobs`), false, "a machine keeps no blobs of its own");
    }
  },
});

Deno.test({
  name: "image ls, inspect, push, pull, rm and prune work on a store in a bucket, from any machine",
  ignore,
  async fn(): Promise<void> {
    await using place = await makePlace();
    await using images = startRegistryServer();
    const [one, two] = [await place.machine(), await place.machine()];
    await place.folder.write({ "src/Dockerfile": "FROM scratch\nCOPY a.txt /\n", "src/a.txt": "x".repeat(5000) });
    const ref = `${images.host}/team/app:1`;
    const { id } = await build(one, "-t", ref, `${place.folder.path}/src`);
    await mustRun(two.options, "push", "-q", ref);
    await mustRun(two.options, "image", "rm", ref);
    assertNotMatch((await mustRun(one.options, "image", "ls")).stdout, /team\/app/);
    await mustRun(one.options, "image", "prune", "-a", "-f");
    await mustRun(one.options, "pull", "-q", ref);
    assertStringIncludes((await mustRun(two.options, "inspect", "-f", "{{.Id}}", ref)).stdout, id);
    assertMatch((await mustRun(two.options, "image", "tree", ref)).stdout, /a\.txt/);
    assertMatch((await mustRun(two.options, "image", "history", ref)).stdout, /COPY a\.txt/);

    await mustRun(two.options, "image", "rm", ref);
    await prune(one);
    assertEquals(await objects(place.server), [], "nothing is left that nothing names");
    assertEquals((await build(two, "-t", "again", `${place.folder.path}/src`)).built, ["COPY a.txt /"]);
  },
});

Deno.test({
  name: "machines that build, remove and prune at once lose nothing that is named",
  ignore,
  async fn(): Promise<void> {
    await using place = await makePlace();
    const machines = [await place.machine(), await place.machine(), await place.machine()];
    for (const name of ["a", "b", "c"]) {
      await place.folder.write({
        [`${name}/Dockerfile`]: "FROM scratch\nCOPY same.txt /\nCOPY own.txt /\n",
        [`${name}/same.txt`]: "same\n",
        [`${name}/own.txt`]: `${name}\n`,
      });
    }
    const [one, two, three] = machines;
    assert(one !== undefined && two !== undefined && three !== undefined);
    const path = place.folder.path;
    for (let round = 0; round < 3; round++) {
      const built = await Promise.all([
        build(one, "--no-cache", "-t", `a:${round}`, `${path}/a`),
        build(two, "--no-cache", "-t", `b:${round}`, `${path}/b`),
        build(three, "-t", `c:${round}`, `${path}/c`),
        runStrata(three.options, "image", "prune", "-a", "-f", "--filter", "label=none"),
        runStrata(two.options, "image", "prune", "-f"),
      ]);
      for (const { code, stderr } of built.slice(0, 3)) assertEquals(code, 0, stderr);
      for (const { code, stderr } of built.slice(3)) if (code !== 0) assertStringIncludes(stderr, "is collecting");
    }
    const list = (await mustRun(one.options, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")).stdout.trim()
      .split("\n");
    assertEquals(list.sort(), ["a", "b", "c"].flatMap((name) => [0, 1, 2].map((round) => `${name}:${round}`)));
    for (const name of list) await mustRun(two.options, "save", "-o", "/dev/null", name);
  },
});

Deno.test({
  name: "a process that is killed in the middle of an upload leaves a store that works, and a prune cleans up after it",
  ignore,
  async fn(): Promise<void> {
    await using place = await makePlace();
    const settings = ["partMiB=5", "leaseSeconds=2", "abandonedSeconds=0"];
    const [one, two] = [await place.machine(...settings), await place.machine(...settings)];
    const big = new Uint8Array(96 * 1024 * 1024);
    for (let at = 0; at < big.length; at += 65536) crypto.getRandomValues(big.subarray(at, at + 65536));
    await place.folder.write({ "src/Dockerfile": "FROM scratch\nCOPY big /\n", "src/big": big });
    const context = `${place.folder.path}/src`;
    await using process = startStrata(one.options, "build", "--progress=plain", "-t", "big", context);
    await until(async () => (await uploadedParts(place.server)) > 1);
    process.signal("SIGKILL");
    await process.ended();
    assertEquals((await mustRun(one.options, "image", "ls", "-q")).stdout, "");
    assert(await uploadedParts(place.server) > 0, "it was killed too late");

    await build(two, "-t", "big", context);
    await mustRun(one.options, "save", "-o", "/dev/null", "big");
    await mustRun(two.options, "image", "rm", "big");
    // The lease of the killed process counts until it is old.
    await until(async () => {
      await prune(one);
      return (await objects(place.server)).length === 0 && await uploadedParts(place.server) === 0;
    });
  },
});

Deno.test({
  name: "what is wrong with a bucket, a login or a permission is told",
  ignore,
  async fn(): Promise<void> {
    await using place = await makePlace();
    const { options, path } = await place.machine();
    const told = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const { code, stderr } = await runStrata({ ...options, env: { ...options.env, ...env } }, "image", "ls");
      assert(code === 1 || code === 2, stderr);
      assertNotMatch(stderr, /\n {4}at /);
      return stderr;
    };
    assertMatch(
      await told({ AWS_SECRET_ACCESS_KEY: "" }),
      /no credentials[^]*hint: Set AWS_ACCESS_KEY_ID and AWS_SECRET/,
    );
    const wrong = await told({ AWS_SECRET_ACCESS_KEY: "wrong-and-secret" });
    assertMatch(wrong, /answered 403 SignatureDoesNotMatch/);
    assertNotMatch(wrong, /wrong-and-secret/);
    const config = JSON.parse(await Deno.readTextFile(`${path}/config.json`));
    const change = async (members: object): Promise<void> => {
      const plugins = config.plugins.map((each: object) => ({ ...each, ...members }));
      await Deno.writeTextFile(`${path}/config.json`, JSON.stringify({ ...config, plugins }));
    };
    const endpoint = place.server.endpoint;
    await change({ options: { endpoint, bucket: "not-there" } });
    assertMatch(await told({}), /NoSuchBucket|bucket .*does not exist/);
    await change({ options: { endpoint, bucket: "images", colour: 1 } });
    assertMatch(await told({}), /Cannot use option "colour" of store-s3/);
    await change({ permissions: { env: config.plugins[0].permissions.env } });
    assertMatch(await told({}), /tried net access to "127\.0\.0\.1:\d+"[^]*hint: Give it the permission/);
    await change({ packages: {} });
    assertMatch(await told({}), /imports "npm:aws4fetch@1\.0\.20", whose sha256 is not in the config/);
  },
});

/** Removes all that no name of an image keeps. */
async function prune({ options }: S3Machine): Promise<void> {
  await mustRun(options, "image", "prune", "-a", "-f");
  await mustRun(options, "cache", "prune", "-a", "-f");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Blobs' objects in the bucket, by their keys. */
async function objects({ folder }: S3Server): Promise<string[]> {
  return (await files(`${folder}/blobs`)).sort();
}

/** How many parts of uploads the server has that are not finished. */
async function uploadedParts({ folder }: S3Server): Promise<number> {
  return (await files(`${folder}/.sgwtmp/multipart`)).filter((path) => /\/[0-9]+$/.test(path)).length;
}

async function files(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) found.push(...await files(path));
      else found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Deno.errors.TimedOut("waited too long");
}
