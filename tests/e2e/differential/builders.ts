import type { Dockerd } from "../../helpers/dockerd.ts";
import { runPeer } from "../../helpers/program.ts";
import { mustRun, runStrata } from "../../helpers/strata.ts";
import type { DifferentialCase } from "./case.ts";
import type { ImageFacts, Outcome } from "./image_facts.ts";
import { type Place, runPython } from "./place.ts";

/** What a builder has to build. */
export interface Job {
  readonly place: Place;
  readonly cases: readonly DifferentialCase[];
}

/** Outcomes by name of the case. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** Builds the cases with strata. */
export async function buildWithStrata({ place, cases }: Job): Promise<Outcomes> {
  const { directory, bases } = place;
  const root = `${directory}/strata`;
  for (const name of Object.keys(bases)) await mustRun({ root }, "load", "-i", `${directory}/${name}.tar`);
  const failures = await buildAll(cases, async (item) => {
    const file = item.plain === undefined ? [] : ["-f", `${directory}/${item.name}.Dockerfile`];
    const built = await runStrata({ root }, "build", ...file, ...flagsOf(item), `${directory}/ctx-${item.name}`);
    return built.code === 0 ? undefined : built.stderr;
  });
  const output = `${directory}/strata.tar`;
  await mustRun({ root }, "save", "-o", output, ...namesOf(failures));
  return await readOutcomes(failures, output);
}

/** Builds the cases with Docker's own builder, which BuildKit has replaced since. Its client sends the contexts. */
export async function buildWithClassic({ place, cases }: Job, daemon: Dockerd): Promise<Outcomes> {
  const failures = await buildAll(
    cases,
    (item) => failureOf(daemon.docker("build", ...flagsOf(item), `${place.directory}/ctx-${item.name}`)),
  );
  return await saveWithDocker(failures, `${place.directory}/classic.tar`, daemon);
}

/** Builds the cases with the BuildKit in the daemon. */
export async function buildWithBuildkit({ place, cases }: Job, daemon: Dockerd): Promise<Outcomes> {
  const answer = await runPython("build_buildkit.py", [], {
    socket: daemon.host.replace(/^unix:\/\//, ""),
    cases: cases.map(({ name, buildArgs = {}, labels = {}, target = "" }) => ({
      ...{ name, buildArgs, labels, target },
      context: `${place.directory}/ctx-${name}`,
    })),
  });
  const failures = new Map(
    Object.entries<string | null>(JSON.parse(answer)).map(([name, text]) => [
      name,
      text ?? undefined,
    ]),
  );
  return await saveWithDocker(failures, `${place.directory}/buildkit.tar`, daemon);
}

/** Loads the base images into the daemon. */
export async function loadIntoDocker({ directory, bases }: Place, daemon: Dockerd): Promise<void> {
  for (const name of Object.keys(bases)) await daemon.docker("load", "-q", "-i", `${directory}/${name}.tar`);
}

/** Builds the cases with buildah. */
export async function buildWithBuildah({ place: { directory, bases }, cases }: Job): Promise<Outcomes> {
  const store = ["--root", `${directory}/buildah`, "--runroot", `${directory}/run`, "--storage-driver", "vfs"];
  for (const name of Object.keys(bases)) {
    await runPeer("buildah", ...store, "pull", "-q", `docker-archive:${directory}/${name}.tar`);
  }
  const flags = [
    ...["--isolation", "chroot"],
    ...["--format", "docker"],
    ...["--layers=false", "--pull=never", "--identity-label=false"],
  ];
  const failures = await buildAll(
    cases,
    (item) =>
      failureOf(runPeer("buildah", ...store, "bud", ...flags, ...flagsOf(item), `${directory}/ctx-${item.name}`)),
  );
  const output = `${directory}/buildah.tar`;
  await runPeer("podman", ...store, "save", "-q", "-m", "-o", output, ...namesOf(failures));
  return await readOutcomes(failures, output);
}

/** Why each case could not be built, undefined when it could. */
type Failures = ReadonlyMap<string, string | undefined>;

function flagsOf({ name, buildArgs = {}, labels = {}, target }: DifferentialCase): string[] {
  return [
    ...["-t", `case:${name}`],
    ...Object.entries(buildArgs).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...(target === undefined ? [] : ["--target", target]),
  ];
}

/** Builds two cases at a time. */
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

async function failureOf(build: Promise<unknown>): Promise<string | undefined> {
  try {
    await build;
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function namesOf(failures: Failures): string[] {
  return [...failures].filter(([, failure]) => failure === undefined).map(([name]) => `case:${name}`);
}

async function saveWithDocker(failures: Failures, output: string, daemon: Dockerd): Promise<Outcomes> {
  await daemon.docker("save", "-o", output, ...namesOf(failures));
  return await readOutcomes(failures, output);
}

async function readOutcomes(failures: Failures, archive: string): Promise<Outcomes> {
  const images: Record<string, ImageFacts> = JSON.parse(await runPython("read_images.py", [archive], {}));
  const outcomes = new Map<string, Outcome>();
  for (const [name, failure] of failures) {
    const image = images[name];
    if (failure !== undefined) outcomes.set(name, { failure });
    else if (image === undefined) throw new Error(`no image of ${name} in ${archive}`);
    else outcomes.set(name, { image });
  }
  return outcomes;
}
