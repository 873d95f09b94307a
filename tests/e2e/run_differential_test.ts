/**
 * The same Dockerfiles with RUN built by strata and by other builders: what the images hold, what each layer has and what the history says
 * is equal, but for the differences that differential/accepted_run.ts lists with their reasons.
 */
import { peers } from "../helpers/require.ts";
import { acceptedRun } from "./differential/accepted_run.ts";
import { declareDifferentialTests } from "./differential/declare_tests.ts";
import { buildahOnOverlay } from "./differential/plan.ts";
import { runBases } from "./differential/run_bases.ts";
import { runSuites } from "./differential/run_suites.ts";

declareDifferentialTests({
  suites: runSuites,
  bases: () => runBases(Deno.build.arch === "aarch64" ? "arm64" : "amd64"),
  accepted: acceptedRun,
  needs: [peers.busybox, peers.crun, peers.runc, peers.setcap, peers.setfattr, peers.unshare],
  buildah: buildahOnOverlay,
});
