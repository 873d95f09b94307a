import type { Dockerd } from "../../helpers/dockerd.ts";
import { mustRun, runStrata } from "../../helpers/strata.ts";
import type { DifferentialCase, PeerName } from "./case.ts";
import { type Base, baseImages, commonFiles, fewFiles } from "./common_files.ts";
import type { ImageFacts, Outcome } from "./image_facts.ts";

/** Where the contexts and base images are. */
export interface Place {
  readonly directory: string;
  readonly cases: readonly DifferentialCase[];
  readonly bases: Readonly<Record<string, Base>>;
}

/** Outcomes by name of the case. */
export type Outcomes = ReadonlyMap<string, Outcome>;

const decoder = new TextDecoder();
const here = import.meta.dirname ?? ".";

/** Writes the contexts and base images of the cases below a directory. */
export async function preparePlace(directory: string, cases: readonly DifferentialCase[]): Promise<Place> {
  const bases = baseImages(Deno.build.arch === "aarch64" ? "arm64" : "amd64");
  const contexts = Object.fromEntries(cases.map(({ name, dockerfile, plain, files, context }) => [
    `ctx-${name}`,
    { Dockerfile: plain ?? dockerfile, ...(context === "few" ? fewFiles : commonFiles), ...files },
  ]));
  await runPython("write_contexts.py", [], { directory, contexts, bases });
  for (const { name, dockerfile } of cases) await Deno.writeTextFile(`${directory}/${name}.Dockerfile`, dockerfile);
  return { directory, cases, bases };
}

/** Builds the cases with strata. */
export async function buildWithStrata(place: Place): Promise<Outcomes> {
  const root = `${place.directory}/strata`;
  for (const name of Object.keys(place.bases)) await mustRun({ root }, "load", "-i", `${place.directory}/${name}.tar`);
  const failures = await buildAll(place.cases, async (item) => {
    const file = item.plain === undefined ? [] : ["-f", `${place.directory}/${item.name}.Dockerfile`];
    const built = await runStrata({ root }, "build", ...file, ...flagsOf(item), `${place.directory}/ctx-${item.name}`);
    return built.code === 0 ? undefined : built.stderr;
  });
  const output = `${place.directory}/strata.tar`;
  await mustRun({ root }, "save", "-o", output, ...namesOf(place, failures));
  return await readOutcomes(failures, [output]);
}

/** Builds the cases with Docker's own builder, which BuildKit has replaced since. */
export async function buildWithClassic(place: Place, daemon: Dockerd): Promise<Outcomes> {
  for (const name of Object.keys(place.bases)) {
    await daemon.docker("load", "-q", "-i", `${place.directory}/${name}.tar`);
  }
  const failures = await buildAll(place.cases, async (item) => {
    const flags = [...flagsOf(item)];
    try {
      await daemon.docker("build", ...flags, `${place.directory}/ctx-${item.name}`);
      return undefined;
    } catch (error) {
      return String(error);
    }
  });
  return await saveWithDocker({ place, daemon, failures, archive: "classic.tar" });
}

/** Builds the cases with the BuildKit in the daemon, which must have loaded the base images. */
export async function buildWithBuildkit(place: Place, daemon: Dockerd): Promise<Outcomes> {
  const answer = await runPython("build_buildkit.py", [], {
    socket: `${daemon.directory}/docker.sock`,
    cases: place.cases.map(({ name, buildArgs = {}, labels = {}, target = "" }) => ({
      ...{ name, buildArgs, labels, target },
      context: `${place.directory}/ctx-${name}`,
    })),
  });
  const failures = new Map(Object.entries(JSON.parse(answer)).map(([name, text]) => [name, textOf(text)]));
  return await saveWithDocker({ place, daemon, failures, archive: "buildkit.tar" });
}

/** Builds the cases with buildah. */
export async function buildWithBuildah(place: Place): Promise<Outcomes> {
  const { directory } = place;
  const store = ["--root", `${directory}/buildah`, "--runroot", `${directory}/run`, "--storage-driver", "vfs"];
  for (const name of Object.keys(place.bases)) {
    await run("buildah", [...store, "pull", "-q", `docker-archive:${directory}/${name}.tar`]);
  }
  const flags = [
    "--isolation",
    "chroot",
    "--layers=false",
    "--format",
    "docker",
    "--pull=never",
    "--identity-label=false",
  ];
  const failures = await buildAll(place.cases, async (item) => {
    const args = [...store, "bud", ...flags, ...flagsOf(item), `${directory}/ctx-${item.name}`];
    const { success, stderr } = await new Deno.Command("buildah", { args, stdin: "null", stdout: "null" }).output();
    return success ? undefined : decoder.decode(stderr);
  });
  const output = `${directory}/buildah.tar`;
  await run("podman", [...store, "save", "-q", "-m", "-o", output, ...namesOf(place, failures)]);
  return await readOutcomes(failures, [output]);
}

/** The failures of a case list by builder, so that a message can show why. */
export type AllOutcomes = Readonly<Record<PeerName | "strata", Outcomes>>;

type Failures = ReadonlyMap<string, string | undefined>;

function flagsOf({ name, buildArgs = {}, labels = {}, target }: DifferentialCase): string[] {
  return [
    ...["-t", `case:${name}`],
    ...Object.entries(buildArgs).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...(target === undefined ? [] : ["--target", target]),
  ];
}

/** Builds two cases at a time; what a build gives is why it failed. */
async function buildAll(
  cases: readonly DifferentialCase[],
  build: (item: DifferentialCase) => Promise<string | undefined>,
): Promise<Failures> {
  const failures = new Map<string, string | undefined>();
  const left = cases.values();
  const worker = async (): Promise<void> => {
    for (const item of left) failures.set(item.name, await build(item));
  };
  await Promise.all([worker(), worker()]);
  return failures;
}

function namesOf({ cases }: Place, failures: Failures): string[] {
  return cases.filter(({ name }) => failures.get(name) === undefined).map(({ name }) => `case:${name}`);
}

async function saveWithDocker(build: {
  readonly place: Place;
  readonly daemon: Dockerd;
  readonly failures: Failures;
  readonly archive: string;
}): Promise<Outcomes> {
  const output = `${build.place.directory}/${build.archive}`;
  const names = namesOf(build.place, build.failures);
  await build.daemon.docker("save", "-o", output, ...names);
  await build.daemon.docker("image", "rm", "-f", ...names);
  return await readOutcomes(build.failures, [output]);
}

async function readOutcomes(failures: Failures, archives: readonly string[]): Promise<Outcomes> {
  const images: Record<string, ImageFacts> = JSON.parse(await runPython("read_images.py", archives, {}));
  const outcomes = new Map<string, Outcome>();
  for (const [name, failure] of failures) {
    const image = images[name];
    if (failure !== undefined) outcomes.set(name, { failure });
    else if (image === undefined) throw new Error(`no image of ${name} in ${archives.join(" ")}`);
    else outcomes.set(name, { image });
  }
  return outcomes;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

async function runPython(script: string, args: readonly string[], input: unknown): Promise<string> {
  return await run("python3", [`${here}/${script}`, ...args], JSON.stringify(input));
}

async function run(program: string, args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(program, { args: [...args], stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(`${program} ${args.slice(0, 8).join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
