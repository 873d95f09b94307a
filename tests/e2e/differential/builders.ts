import type { Dockerd } from "../../helpers/dockerd.ts";
import { runPeer } from "../../helpers/program.ts";
import { mustRun, runStrata } from "../../helpers/strata.ts";
import type { DifferentialCase } from "./case.ts";
import type { ImageFacts, Outcome } from "./image_facts.ts";
import { type Place, runPython } from "./place.ts";
import type { BuildahSetup } from "./plan.ts";

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
    const network = item.network === undefined ? [] : ["--network", item.network];
    const flags = [...file, ...network, ...flagsOf(item), ...secretsOf(item, directory)];
    const built = await runStrata({ root }, "build", ...flags, `${directory}/ctx-${item.name}`);
    return built.code === 0 ? undefined : built.stderr;
  });
  return await readOutcomes(failures, `${directory}/strata.tar`, (...args) => mustRun({ root }, "save", ...args));
}

/** Builds the cases with Docker's own builder, which BuildKit has replaced since. Its client sends the contexts. */
export async function buildWithClassic({ place, cases }: Job, daemon: Dockerd): Promise<Outcomes> {
  const failures = await buildAll(
    cases,
    (item) => {
      const flags = [...networkOf(item), ...flagsOf(item)];
      return failureOf(daemon.docker("build", ...flags, `${place.directory}/ctx-${item.name}`));
    },
  );
  return await readOutcomes(failures, `${place.directory}/classic.tar`, (...args) => daemon.docker("save", ...args));
}

/** Builds the cases with the BuildKit in the daemon. */
export async function buildWithBuildkit({ place, cases }: Job, daemon: Dockerd): Promise<Outcomes> {
  const answer = await runPython("build_buildkit.py", [], {
    socket: daemon.host.replace(/^unix:\/\//, ""),
    cases: cases.map(({ name, buildArgs = {}, labels = {}, target = "", network }) => ({
      ...{ name, buildArgs, labels, target, network: network ?? "host" },
      context: `${place.directory}/ctx-${name}`,
    })),
  });
  const failures = new Map(
    Object.entries<string | null>(JSON.parse(answer)).map(([name, text]) => [
      name,
      text ?? undefined,
    ]),
  );
  return await readOutcomes(failures, `${place.directory}/buildkit.tar`, (...args) => daemon.docker("save", ...args));
}

/** Loads the base images into the daemon. */
export async function loadIntoDocker({ directory, bases }: Place, daemon: Dockerd): Promise<void> {
  for (const name of Object.keys(bases)) await daemon.docker("load", "-q", "-i", `${directory}/${name}.tar`);
}

/** Builds the cases with buildah. */
export async function buildWithBuildah(
  { place: { directory, bases }, cases }: Job,
  setup: BuildahSetup,
): Promise<Outcomes> {
  const store = [
    "--root",
    `${directory}/buildah`,
    "--runroot",
    `${directory}/run`,
    "--storage-driver",
    setup.storageDriver,
  ];
  for (const name of Object.keys(bases)) {
    await runApart(directory, "buildah", ...store, "pull", "-q", `docker-archive:${directory}/${name}.tar`);
  }
  const failures = await buildAll(cases, (item) => {
    const flags = [
      ...["--format", "docker", "--pull=never", "--identity-label=false"],
      ...setup.flags,
      ...networkOf(item),
      ...flagsOf(item),
      ...secretsOf(item, directory),
    ];
    return failureOf(runApart(directory, "buildah", ...store, "bud", ...flags, `${directory}/ctx-${item.name}`));
  });
  const save = (...args: string[]): Promise<string> =>
    runApart(directory, "podman", ...store, "save", "-q", "-m", ...args);
  return await readOutcomes(failures, `${directory}/buildah.tar`, save);
}

/** Why each case could not be built, undefined when it could. */
type Failures = ReadonlyMap<string, string | undefined>;

function flagsOf({ name, buildArgs = {}, labels = {}, target, flags = [] }: DifferentialCase): string[] {
  return [
    ...flags,
    ...["-t", `case:${name}`],
    ...Object.entries(buildArgs).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...(target === undefined ? [] : ["--target", target]),
  ];
}

/** Runs a program in a mount namespace of its own: what it leaves mounted goes with it. Its temporary files are in the directory. */
async function runApart(directory: string, ...command: readonly string[]): Promise<string> {
  return await runPeer("unshare", "--mount", "--", "env", `TMPDIR=${directory}`, ...command);
}

function networkOf({ network }: DifferentialCase): string[] {
  return ["--network", network ?? "host"];
}

function secretsOf({ name, secrets = {} }: DifferentialCase, directory: string): string[] {
  return Object.keys(secrets).flatMap((id) => ["--secret", `id=${id},src=${directory}/secret-${name}-${id}`]);
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

/** Saves what was built to an archive, with arguments as for `docker save`, and reads it. */
async function readOutcomes(
  failures: Failures,
  archive: string,
  save: (...args: string[]) => Promise<unknown>,
): Promise<Outcomes> {
  const built = [...failures].filter(([, failure]) => failure === undefined).map(([name]) => `case:${name}`);
  if (built.length > 0) await save("-o", archive, ...built);
  const archives = built.length > 0 ? [archive] : [];
  const images: Record<string, ImageFacts> = JSON.parse(await runPython("read_images.py", archives, {}));
  const outcomes = new Map<string, Outcome>();
  for (const [name, failure] of failures) {
    const image = images[name];
    if (failure !== undefined) outcomes.set(name, { failure });
    else if (image === undefined) throw new Error(`no image of ${name} in ${archive}`);
    else outcomes.set(name, { image });
  }
  return outcomes;
}
