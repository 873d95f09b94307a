import { addCases, ignoreCases } from "./add_cases.ts";
import { configCases } from "./config_cases.ts";
import { copyCases, copyMetaCases } from "./copy_cases.ts";
import { fetchCases } from "./fetch_cases.ts";
import type { Suite } from "./plan.ts";
import { stageCases } from "./stage_cases.ts";

/**
 * All cases. BuildKit gets its contexts as archives here, and to those no .dockerignore applies: Docker's client reads it,
 * which the classic builder stands for. What an instruction does to the config buildah decides with an older copy of
 * Docker's code, so it is asked about files only.
 */
export const suites: readonly Suite[] = [
  { cases: configCases, peers: ["buildkit"] },
  { cases: ignoreCases, peers: ["classic", "buildah"] },
  {
    cases: [...copyCases, ...copyMetaCases, ...addCases, ...fetchCases, ...stageCases],
    peers: ["buildkit", "buildah"],
  },
];
