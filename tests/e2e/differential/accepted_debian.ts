import type { AcceptedDifference } from "./accepted_difference.ts";
import { acceptedRun } from "./accepted_run.ts";

/** Differences of commands on a Debian that stay: those that hold for any case, and a few. */
export const acceptedDebian: readonly AcceptedDifference[] = [
  ...acceptedRun.filter(({ cases }) => cases === undefined),
  {
    peers: ["buildkit"],
    cases: ["debian-package"],
    field: /file (tmp|var\/log|var\/lib\/dpkg\/updates) folderTime/,
    peer: /\d+/,
    reason: "Without overlays Docker does not note that a folder changed in nothing but its time; with them it does.",
  },
  {
    peers: ["buildah"],
    cases: ["debian-user"],
    field: /layers/,
    reason: "buildah makes no layer for WORKDIR.",
  },
];
