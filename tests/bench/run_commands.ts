import { join } from "@std/path";
import { startDockerd } from "../helpers/dockerd.ts";
import type { BenchResult } from "./main.ts";
import { type Contender, measure } from "./measure.ts";
import { emptyScript, has, prepare, strata } from "./place.ts";

const steps = 20;
const baseFiles = 20_000;
const baseName = "localhost/bench:1";

/** A place with a base image, its archive and a Dockerfile of many steps. */
interface Place {
  readonly folder: string;
  readonly root: string;
  /** The base as `docker save` writes it. */
  readonly archive: string;
  /** The layer of the base, a plain tar. */
  readonly layer: string;
}

/** Busybox with its names, and as many files of 4 KiB as asked. */
async function makePlace(folder: string, files: number): Promise<Place> {
  const tree = join(folder, "base");
  for (const name of ["bin", "etc", "tmp"]) await Deno.mkdir(join(tree, name), { recursive: true });
  await Deno.copyFile("/bin/busybox", join(tree, "bin/busybox"));
  for (const name of ["sh", "echo", "true"]) await Deno.symlink("busybox", join(tree, "bin", name));
  for (let i = 0; i < files; i++) {
    const below = join(tree, "tree", `d${i % 200}`);
    if (i < 200) await Deno.mkdir(below, { recursive: true });
    Deno.writeFileSync(join(below, `f${i}.bin`), new Uint8Array(4096).fill(i % 251));
  }
  const layer = join(folder, "base.tar");
  await prepare(["tar", "-C", tree, "-cf", layer, "."]);
  const root = join(folder, "root");
  await prepare(strata("--root", root, "import", layer, baseName));
  const archive = join(folder, "image.tar");
  await prepare(strata("--root", root, "save", "-o", archive, baseName));
  return { folder, root, archive, layer };
}

/** A chain of commands, its unchanged rebuild, and the first command on a base of many files. */
export async function* runCommands(runs: number): AsyncGenerator<BenchResult> {
  if (Deno.uid() !== 0 || !has("runc") || !has("busybox")) return;
  yield* chain(runs);
  yield* firstRun(runs);
}

async function* chain(runs: number): AsyncGenerator<BenchResult> {
  const folder = await Deno.makeTempDir();
  try {
    const place = await makePlace(folder, 0);
    const lines = Array.from({ length: steps }, (_, i) => `RUN echo ${i} > /f${i}`);
    const context = join(folder, "context");
    await Deno.mkdir(context);
    await Deno.writeTextFile(join(context, "Dockerfile"), [`FROM ${baseName}`, ...lines, ""].join("\n"));
    const build = strata("--root", place.root, "build", "-q", "-t", "bench", context);
    const bare: Contender = {
      name: `runc run, ${steps} times`,
      command: ["sh", "-c", await bareRuns(place)],
    };
    const empty: Contender = { name: "empty Deno script", command: await emptyScript(folder) };
    yield {
      title: `A chain of ${steps} RUN echo n > /fn`,
      measurements: await measure([
        bare,
        { name: "strata build --no-cache", command: [...build, "--no-cache"] },
        ...(has("crun")
          ? [{ name: "the same with runc", command: [...build, "--no-cache", "--runtime", "runc"] }]
          : []),
      ], runs),
    };
    // The second one, all of whose steps are in the cache, is remembered with what it read.
    for (let i = 0; i < 2; i++) await prepare(build);
    yield {
      title: `The same chain, unchanged`,
      measurements: await measure([empty, { name: "strata build, unchanged", command: build }], Math.max(runs, 11)),
    };
    await using peers = await openPeers(place);
    if (peers.contenders(context).length > 0) {
      const ours: Contender = { name: "strata build --no-cache", command: [...build, "--no-cache"] };
      yield {
        title: `The chain: peers`,
        measurements: await measure([ours, ...peers.contenders(context)], Math.min(runs, 3)),
      };
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Shell text that runs the commands of the chain in one bundle of runc's, one after the other. */
async function bareRuns({ folder }: Place): Promise<string> {
  const bundle = join(folder, "bundle");
  await Deno.mkdir(bundle);
  await prepare(["runc", "spec"], { cwd: bundle });
  const spec = JSON.parse(await Deno.readTextFile(join(bundle, "config.json")));
  spec.process.terminal = false;
  spec.process.args = ["sh", "-c", "echo 1 > /f1"];
  spec.root = { path: join(folder, "base"), readonly: false };
  await Deno.writeTextFile(join(bundle, "config.json"), JSON.stringify(spec));
  return `for i in $(seq ${steps}); do runc --root ${folder}/state run -b ${bundle} bench$i || exit 1; done`;
}

async function* firstRun(runs: number): AsyncGenerator<BenchResult> {
  const folder = await Deno.makeTempDir();
  try {
    const place = await makePlace(folder, baseFiles);
    const context = join(folder, "context");
    await Deno.mkdir(context);
    await Deno.writeTextFile(join(context, "Dockerfile"), `FROM ${baseName}\nRUN echo 1 > /f1\n`);
    const target = join(folder, "unpacked");
    const build = strata("--root", place.root, "build", "-q", "--no-cache", "-t", "bench", context);
    const fresh = async (path: string): Promise<void> => {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    };
    const ours: Contender = {
      name: "strata build, nothing unpacked",
      command: build,
      prepare: () => fresh(join(place.root, "snapshots")),
    };
    yield {
      title: `The first RUN on a base of ${baseFiles.toLocaleString("en")} files`,
      measurements: await measure([
        {
          name: "tar xf of the base",
          command: ["sh", "-c", `mkdir ${target} && tar -C ${target} -xf ${place.layer}`],
          prepare: () => fresh(target),
        },
        ours,
        { name: "strata build, unpacked before", command: build },
      ], runs),
    };
    await using peers = await openPeers(place);
    if (peers.contenders(context).length > 0) {
      yield {
        title: "The first RUN: peers, with the base loaded before",
        measurements: await measure([ours, ...peers.contenders(context)], Math.min(runs, 3)),
      };
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Peers extends AsyncDisposable {
  contenders(context: string): readonly Contender[];
}

/** Builders that are installed, with the base image loaded. */
async function openPeers({ folder, archive }: Place): Promise<Peers> {
  await using stack = new AsyncDisposableStack();
  const makers: ((context: string) => Contender)[] = [];
  if (has("buildah")) {
    const storage = ["--root", join(folder, "buildah"), "--runroot", join(folder, "buildah-run")];
    const driver = ["--storage-driver", "overlay"];
    await prepare(["buildah", ...storage, ...driver, "pull", "-q", `docker-archive:${archive}`]);
    makers.push((context) => ({
      name: "buildah bud --layers --no-cache (chroot)",
      command: [
        ...["buildah", ...storage, ...driver, "bud", "--isolation", "chroot", "--network", "host", "--layers"],
        ...["--no-cache", "--pull=never", "-q", "-t", "bench", context],
      ],
    }));
  }
  if (has("dockerd") && has("docker")) {
    const dockerd = stack.use(await startDockerd("overlay2"));
    await dockerd.docker("load", "-q", "-i", archive);
    makers.push((context) => ({
      name: "docker build --no-cache (classic)",
      command: ["docker", "build", "--network", "host", "--no-cache", "-q", "-t", "bench", context],
      env: { DOCKER_BUILDKIT: "0", DOCKER_HOST: dockerd.host },
    }));
  }
  const held = stack.move();
  return {
    contenders: (context) => makers.map((make) => make(context)),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
