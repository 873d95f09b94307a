import { join } from "@std/path";
import { startDockerd } from "../helpers/dockerd.ts";
import { type RegistryProcess, startRegistry } from "../helpers/registry_process.ts";
import type { BenchResult } from "./main.ts";
import { type Contender, measure } from "./measure.ts";
import { has, prepare, strata } from "./place.ts";
import { cloneStore, stageLayers } from "./transfer_image.ts";

const layers = 5;
const layerBytes = 120_000_000;
const builtName = "localhost/bench/built:1";

/** What is moved, and between which places. */
interface Place {
  readonly folder: string;
  /** Registry and repository that the image is pulled from. */
  readonly source: RegistryProcess;
  readonly pulled: string;
  /**
   * Registry and repository that it is pushed to. It is another one because podman and skopeo remember what they pulled, and would have
   * that mounted in place of compressing and sending.
   */
  readonly target: RegistryProcess;
  readonly pushed: string;
  /** Store with the image, its layers plain. */
  readonly plain: string;
  /** The image as a layout directory with plain layers, and as an archive for docker. */
  readonly layout: string;
  readonly archive: string;
}

/** The ways of one tool to move the image. */
interface Mover extends AsyncDisposable {
  readonly pull: Contender;
  /** The store is as after a build; nothing is in the registry. */
  readonly push: Contender;
  /** All is in the registry. */
  readonly pushAgain: Contender;
}

/** Pull, push and unchanged push of an image of 600 MB in 5 layers, beside docker, podman and skopeo. */
export async function* transfer(runs: number): AsyncGenerator<BenchResult> {
  if (!has("docker-registry")) return;
  await using stack = new AsyncDisposableStack();
  const place = await openPlace(stack);
  const movers = [ours(place)];
  for (const open of [openDocker, openPodman, openSkopeo]) {
    const mover = await open(place);
    if (mover !== undefined) movers.push(stack.use(mover));
  }
  yield {
    title: `Pull of ${layers} layers of ${layerBytes / 1e6} MB`,
    measurements: await measure([bareFetch(place), ...movers.map(({ pull }) => pull)], runs),
  };
  yield {
    title: "Push of the same, compression included",
    measurements: await measure(movers.map(({ push }) => push), Math.min(runs, 3)),
  };
  // Whatever was pushed last may be another tool's; now each one's is there.
  for (const { pushAgain } of movers) await prepare(pushAgain.command, { env: { ...pushAgain.env } });
  yield {
    title: "Push of the same, unchanged",
    measurements: await measure(movers.map(({ pushAgain }) => pushAgain), Math.max(runs, 7)),
  };
}

async function openPlace(stack: AsyncDisposableStack): Promise<Place> {
  const folder = await Deno.makeTempDir({ prefix: "strata-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const source = stack.use(await startRegistry());
  const target = stack.use(await startRegistry());
  const place = {
    folder,
    source,
    pulled: `${source.host}/bench/pulled:1`,
    target,
    pushed: `${target.host}/bench/pushed:1`,
    plain: join(folder, "plain"),
    layout: join(folder, "layout"),
    archive: join(folder, "image.tar"),
  };
  const context = join(folder, "context");
  await stageLayers("/usr", context, { layers, layerBytes });
  const at = (...args: string[]): string[] => strata("--root", place.plain, ...args);
  await prepare(at("build", "-q", "-t", builtName, context));
  await Deno.remove(context, { recursive: true });
  await prepare(at("save", "--format", "oci", "-o", place.layout, builtName));
  if (has("docker")) await prepare(at("save", "-o", place.archive, builtName));
  await cloneStore(place.plain, join(folder, "first"));
  const first = (...args: string[]): string[] => strata("--root", join(folder, "first"), ...args);
  await prepare(first("tag", builtName, place.pulled));
  await prepare(first("push", "-q", place.pulled));
  for (const root of [place.plain, join(folder, "first")]) {
    await prepare(strata("--root", root, "tag", builtName, place.pushed));
  }
  return place;
}

/** The floor of every pull: all blobs fetched, hashed and written, two at a time, as many as there are processors here. */
function bareFetch({ folder, source }: Place): Contender {
  const url = `http://${source.host}/v2/bench/pulled`;
  const target = join(folder, "bare");
  const accept = "Accept: application/vnd.oci.image.manifest.v1+json";
  const script = `mkdir ${target}; curl -sf -H '${accept}' ${url}/manifests/1 |
    grep -o 'sha256:[0-9a-f]*' | sort -u | xargs -P $(nproc) -I{} sh -c \
    'curl -sf ${url}/blobs/{} | tee ${target}/{} | sha256sum > ${target}/{}.sum && sync -d ${target}/{}'`;
  return {
    name: "curl, sha256sum, sync",
    command: ["sh", "-c", script],
    prepare: () => settled(remove(target)),
  };
}

function ours(place: Place): Mover {
  const { folder, plain, pulled, pushed } = place;
  const target = join(folder, "pull");
  const source = join(folder, "push");
  return {
    pull: {
      name: "strata",
      command: strata("--root", target, "pull", "-q", pulled),
      prepare: () => settled(remove(target)),
    },
    push: {
      name: "strata",
      command: strata("--root", source, "push", "-q", pushed),
      prepare: async () => {
        await remove(source);
        await cloneStore(plain, source);
        await emptyRepository(place);
      },
    },
    pushAgain: { name: "strata", command: strata("--root", source, "push", "-q", pushed) },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function openDocker(place: Place): Promise<Mover | undefined> {
  if (Deno.uid() !== 0 || !has("dockerd") || !has("docker")) return undefined;
  await using stack = new AsyncDisposableStack();
  // What was pulled need not be compressed nor sent, so another daemon pushes.
  const puller = stack.use(await startDockerd("overlay2"));
  const pusher = stack.use(await startDockerd("overlay2"));
  await pusher.docker("load", "-q", "-i", place.archive);
  await pusher.docker("tag", builtName, place.pushed);
  const push = { name: "docker", command: ["docker", "push", "-q", place.pushed], env: { DOCKER_HOST: pusher.host } };
  const held = stack.move();
  return {
    pull: {
      name: "docker",
      command: ["docker", "pull", "-q", place.pulled],
      env: { DOCKER_HOST: puller.host },
      prepare: () => settled(puller.docker("image", "prune", "-af")),
    },
    push: { ...push, prepare: () => emptyRepository(place) },
    pushAgain: push,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function openPodman(place: Place): Promise<Mover | undefined> {
  if (Deno.uid() !== 0 || !has("podman")) return undefined;
  const { folder, layout, pulled, pushed } = place;
  const env = { TMPDIR: folder };
  const podman = (root: string, ...args: string[]): string[] => {
    const at = join(folder, root);
    return ["podman", "--root", at, "--runroot", `${at}-run`, "--storage-driver", "overlay", ...args];
  };
  await prepare(podman("podman", "pull", "-q", `oci:${layout}`), { env });
  const { stdout } = await new Deno.Command("podman", { args: podman("podman", "images", "-q").slice(1) }).output();
  const id = new TextDecoder().decode(stdout).trim();
  const push = { name: "podman", command: podman("podman", "push", "-q", "--tls-verify=false", id, pushed), env };
  return {
    pull: {
      name: "podman",
      command: podman("podman-pull", "pull", "-q", "--tls-verify=false", pulled),
      env,
      prepare: () => settled(prepare(podman("podman-pull", "rmi", "-af"), { env })),
    },
    push: { ...push, prepare: () => emptyRepository(place) },
    pushAgain: push,
    async [Symbol.asyncDispose](): Promise<void> {
      // Its storage may be mounted on itself.
      for (const root of ["podman", "podman-pull"]) {
        await new Deno.Command("umount", { args: [join(folder, root, "overlay")], stderr: "null" }).output();
      }
    },
  };
}

function openSkopeo(place: Place): Promise<Mover | undefined> {
  if (!has("skopeo")) return Promise.resolve(undefined);
  const { folder, layout, pulled, pushed } = place;
  const target = join(folder, "skopeo");
  const copy = ["skopeo", "--insecure-policy", "copy", "-q"];
  const env = { TMPDIR: folder };
  const push = {
    name: "skopeo",
    command: [...copy, "--dest-tls-verify=false", `oci:${layout}`, `docker://${pushed}`],
    env,
  };
  return Promise.resolve({
    pull: {
      name: "skopeo",
      command: [...copy, "--src-tls-verify=false", `docker://${pulled}`, `oci:${target}`],
      env,
      prepare: () => settled(remove(target)),
    },
    push: { ...push, prepare: () => emptyRepository(place) },
    pushAgain: push,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

/** Makes the registry forget what was pushed to the repository. */
async function emptyRepository({ target }: Place): Promise<void> {
  await settled(remove(join(target.storage, "docker/registry/v2/repositories/bench/pushed")));
}

/** Waits for work and then for the disk, so that what is measured next does not wait for it. */
async function settled(work: Promise<unknown>): Promise<void> {
  await work;
  await prepare(["sync"]);
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(() => {});
}
