/** What strata built, saved as an archive, loaded by other programs and run there. */
import { assertEquals } from "@std/assert";
import { removeControlGroups } from "../helpers/control_groups.ts";
import { startDockerd } from "../helpers/dockerd.ts";
import { isMissing, peers } from "../helpers/require.ts";
import { mustRun, tempFolder } from "../helpers/strata.ts";
import { preparePlace } from "./differential/place.ts";
import { runBases } from "./differential/run_bases.ts";
import { type RunnableImage, runnableImages } from "./differential/run_images.ts";

const lacksAny = isMissing("root", peers.python, peers.busybox, peers.crun, peers.setcap, peers.setfattr);

/** Builds the images with strata; gives the path of an archive with all of them. */
async function buildImages(directory: string): Promise<string> {
  const bases = runBases(Deno.build.arch === "aarch64" ? "arm64" : "amd64");
  await preparePlace(directory, { cases: runnableImages.map((each) => ({ ...each, context: "few" })), bases }, "");
  const options = { root: `${directory}/strata` };
  for (const name of ["box", "bare"]) await mustRun(options, "load", "-i", `${directory}/${name}.tar`);
  for (const { name } of runnableImages) {
    await mustRun(options, "build", "-t", `image:${name}`, `${directory}/ctx-${name}`);
  }
  const archive = `${directory}/images.tar`;
  await mustRun(options, "save", "-o", archive, ...runnableImages.map(({ name }) => `image:${name}`));
  return archive;
}

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function output(command: readonly string[]): Promise<Output> {
  const [program = "", ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs every image; `run` is the command up to the name of the image. */
async function checkImages(context: Deno.TestContext, run: readonly string[]): Promise<void> {
  const check = async ({ name, args = [], prints, exitCode = 0 }: RunnableImage): Promise<void> => {
    const { code, stdout, stderr } = await output([...run, `image:${name}`, ...args]);
    assertEquals({ code, stdout }, { code: exitCode, stdout: prints }, stderr);
  };
  for (const image of runnableImages) await context.step(image.name, () => check(image));
}

async function runWithDocker(context: Deno.TestContext, archive: string): Promise<void> {
  await using daemon = await startDockerd();
  await daemon.docker("load", "-q", "-i", archive);
  await checkImages(context, ["docker", "--host", daemon.host, "run", "--rm", "--network", "none"]);
}

async function runWithPodman(context: Deno.TestContext, archive: string): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => removeControlGroups("libpod_parent"));
  const folder = cleanup.use(await tempFolder());
  // In a mount namespace of its own, so that it leaves nothing mounted.
  const podman = [
    ...["unshare", "--mount", "--", "env", `TMPDIR=${folder.path}`],
    ...["podman", "--storage-driver", "vfs", "--runtime", "runc"],
    ...["--root", `${folder.path}/podman`, "--runroot", `${folder.path}/run`, "--tmpdir", `${folder.path}/tmp`],
    ...["--cgroup-manager", "cgroupfs", "--events-backend", "none"],
  ];
  const { code, stderr } = await output([...podman, "load", "-q", "-i", archive]);
  assertEquals(code, 0, stderr);
  // Its own limits are higher than those that a process of a container may set.
  const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
  await checkImages(context, [...podman, "run", "--rm", "--network", "none", ...limits]);
}

const lacksDocker = isMissing(peers.docker, peers.dockerd, peers.runc);
const lacksPodman = isMissing(peers.podman, peers.runc, peers.unshare);

Deno.test({
  name: "other programs run what strata built",
  ignore: lacksAny || (lacksDocker && lacksPodman),
}, async (context) => {
  await using folder = await tempFolder();
  const archive = await buildImages(folder.path);
  await context.step({ name: "docker", ignore: lacksDocker, fn: (step) => runWithDocker(step, archive) });
  await context.step({ name: "podman", ignore: lacksPodman, fn: (step) => runWithPodman(step, archive) });
});
