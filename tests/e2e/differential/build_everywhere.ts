import { startDockerd } from "../../helpers/dockerd.ts";
import { tempFolder } from "../../helpers/strata.ts";
import {
  buildWithBuildah,
  buildWithBuildkit,
  buildWithClassic,
  buildWithStrata,
  type Job,
  loadIntoDocker,
  type Outcomes,
} from "./builders.ts";
import type { DifferentialCase, PeerName } from "./case.ts";
import { type Place, preparePlace } from "./place.ts";
import type { BuildahSetup, Plan } from "./plan.ts";
import { startWebServer } from "./web_server.ts";

/** What every builder made of its cases. */
export interface Everything {
  readonly outcomes: ReadonlyMap<PeerName | "strata", Outcomes>;
  /** When the first build began, in seconds. */
  readonly started: number;
}

/**
 * Builds the cases of all suites with strata, and each with those of its peers that are named. Nothing stays: no daemon and
 * no file, also when it throws.
 */
export async function buildEverywhere(plan: Plan, peers: ReadonlySet<PeerName>): Promise<Everything> {
  const { suites, bases, buildah } = plan;
  await using folder = await tempFolder();
  await using server = startWebServer(`${folder.path}/web`);
  const all = suites.flatMap(({ cases }) => cases);
  const place = await preparePlace(folder.path, { cases: all, bases: bases() }, server.origin);
  const casesOf = (peer: PeerName): readonly DifferentialCase[] =>
    suites.filter((suite) => suite.peers.includes(peer) && peers.has(peer)).flatMap(({ cases }) => cases);
  const started = Math.floor(Date.now() / 1000);
  const outcomes = await allSettled([
    buildWithStrata({ place, cases: all }).then((built) => [["strata", built]] as const),
    buildWithDocker(place, casesOf),
    buildWithBuildahIfAny({ place, cases: casesOf("buildah") }, buildah),
  ]);
  return { outcomes: new Map(outcomes.flat()), started };
}

type Built = readonly (readonly [PeerName | "strata", Outcomes])[];

async function buildWithDocker(
  place: Place,
  casesOf: (peer: PeerName) => readonly DifferentialCase[],
): Promise<Built> {
  const [classic, buildkit] = [casesOf("classic"), casesOf("buildkit")];
  if (classic.length + buildkit.length === 0) return [];
  await using daemon = await startDockerd();
  await loadIntoDocker(place, daemon);
  return [
    ["classic", await buildWithClassic({ place, cases: classic }, daemon)],
    ["buildkit", await buildWithBuildkit({ place, cases: buildkit }, daemon)],
  ];
}

async function buildWithBuildahIfAny(job: Job, setup: BuildahSetup): Promise<Built> {
  return job.cases.length === 0 ? [] : [["buildah", await buildWithBuildah(job, setup)]];
}

/** As `Promise.all`, but fails only when nothing runs any more, so that what the tasks work on can be removed. */
async function allSettled<T>(tasks: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(tasks);
  return await Promise.all(tasks);
}
