import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isMissing, type Need, peers } from "../../helpers/require.ts";
import { isAccepted } from "./accepted_difference.ts";
import { buildEverywhere, type Everything } from "./build_everywhere.ts";
import type { DifferentialCase, PeerName } from "./case.ts";
import { compareOutcomes, type Difference, type Outcome } from "./image_facts.ts";
import type { Plan } from "./plan.ts";

/** Which builders this machine lacks. */
function findLacking(needs: readonly Need[]): Readonly<Record<PeerName, boolean>> {
  const lacksAny = isMissing("root", peers.python, ...needs);
  const lacksDocker = lacksAny || isMissing(peers.dockerd, peers.docker);
  const lacksBuildah = lacksAny || isMissing(peers.buildah, peers.podman);
  return { classic: lacksDocker, buildkit: lacksDocker, buildah: lacksBuildah };
}

function outcomeOf({ outcomes }: Everything, builder: PeerName | "strata", name: string): Outcome {
  const outcome = outcomes.get(builder)?.get(name);
  assert(outcome !== undefined, `${builder} was not asked to build ${name}`);
  return outcome;
}

/** A difference in words; where only one of two builds failed, with its message. */
function explain(built: Everything, peer: PeerName, name: string): (difference: Difference) => string {
  const failures = [outcomeOf(built, "strata", name), outcomeOf(built, peer, name)]
    .map((outcome) => "failure" in outcome ? `\n${outcome.failure.slice(-2000)}` : "");
  return ({ field, strata, peer: theirs }) =>
    `${field}: strata ${strata}, ${peer} ${theirs}${field === "outcome" ? failures.join("") : ""}`;
}

/**
 * Declares one test for each case and each of its peers: what strata builds is equal, but for accepted differences; one
 * for each case that strata must refuse; and one for each peer, that every accepted difference is still there.
 */
export function declareDifferentialTests(plan: Plan): void {
  const { suites, accepted, ignored } = plan;
  const lacks = findLacking(plan.needs);
  const present = new Set((["classic", "buildkit", "buildah"] as const).filter((peer) => !lacks[peer]));
  // Built by the first test that asks, so that a run without these tests builds nothing.
  let everything: Promise<Everything> | undefined;
  const build = (): Promise<Everything> => everything ??= buildEverywhere(plan, present);
  const differencesOf = (built: Everything, peer: PeerName, { name, plain }: DifferentialCase): readonly Difference[] =>
    compareOutcomes(outcomeOf(built, "strata", name), outcomeOf(built, peer, name), {
      started: built.started,
      isSameFile: plain === undefined,
      ignored,
    });

  for (const suite of suites) {
    for (const item of suite.cases) {
      const { name, fails } = item;
      for (const peer of suite.peers) {
        Deno.test({ name: `${name}: strata builds what ${peer} builds`, ignore: lacks[peer] }, async () => {
          const built = await build();
          const open = differencesOf(built, peer, item)
            .filter((difference) => !accepted.some((entry) => isAccepted(entry, { peer, name, difference })));
          assertEquals(open.map(explain(built, peer, name)).join("\n"), "");
        });
      }
      if (fails === undefined) continue;
      Deno.test({ name: `${name}: strata refuses it`, ignore: present.size === 0 }, async () => {
        const outcome = outcomeOf(await build(), "strata", name);
        assertStringIncludes("failure" in outcome ? outcome.failure : "built", fails);
      });
    }
  }

  for (const peer of present) {
    Deno.test(`every accepted difference from ${peer} is still there`, async () => {
      const built = await build();
      const cases = suites.filter((suite) => suite.peers.includes(peer)).flatMap((suite) => suite.cases);
      const found = cases.flatMap((item) =>
        differencesOf(built, peer, item).map((difference) => ({ peer, name: item.name, difference }))
      );
      const stale = accepted.filter((entry) => entry.peers.includes(peer)).flatMap((entry) =>
        (entry.cases ?? [undefined])
          .filter((name) => !found.some((each) => (name ?? each.name) === each.name && isAccepted(entry, each)))
          .map((name) => `${name ?? "any case"}, ${entry.field}: ${entry.reason}`)
      );
      assertEquals(stale, []);
    });
  }
}
