/** As run_differential_test.ts, on a whole Debian, made with debootstrap from the mirror that this machine uses. */
import { assertEquals } from "@std/assert";
import { isMissing, peers } from "../helpers/require.ts";
import { tempFolder } from "../helpers/strata.ts";
import { acceptedDebian } from "./differential/accepted_debian.ts";
import { isAccepted } from "./differential/accepted_difference.ts";
import { buildEverywhere } from "./differential/build_everywhere.ts";
import { debianCases } from "./differential/debian_cases.ts";
import { compareOutcomes } from "./differential/image_facts.ts";
import { bootstrapDebian } from "../helpers/debootstrap.ts";
import { buildahOnOverlay } from "./differential/plan.ts";

const names = ["buildkit", "buildah"] as const;

Deno.test({
  name: "on a Debian strata builds what others build",
  ignore: isMissing(
    ...["root", peers.python, peers.debootstrap, peers.dockerd, peers.docker, peers.buildah, peers.podman] as const,
    ...[peers.crun, peers.runc, peers.unshare],
  ),
}, async (context) => {
  await using folder = await tempFolder();
  const archive = await bootstrapDebian(folder.path);
  if (archive === undefined) return;
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
  const config = { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["bash"] };
  const { outcomes, started } = await buildEverywhere({
    suites: [{ cases: debianCases, peers: names }],
    bases: () => ({ debian: { architecture, config, files: {}, archive } }),
    accepted: acceptedDebian,
    buildah: buildahOnOverlay,
    needs: [],
  }, new Set(names));
  for (const peer of names) {
    for (const { name } of debianCases) {
      const [ours, theirs] = ["strata" as const, peer].map((builder) => outcomes.get(builder)?.get(name));
      await context.step(`${name} as ${peer} builds it`, () => {
        const differences = ours === undefined || theirs === undefined
          ? ["not built"]
          : compareOutcomes(ours, theirs, { started, isSameFile: true })
            .filter((difference) => !acceptedDebian.some((entry) => isAccepted(entry, { peer, name, difference })));
        assertEquals(differences, []);
      });
    }
  }
});
