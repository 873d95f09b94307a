import type { DifferentialCase, PeerName } from "./case.ts";
import type { Suite } from "./plan.ts";
import { runEnvironmentCases, runFlagCases, runNetworkFileCases } from "./run_environment_cases.ts";
import { runFileCases, runWhiteoutCases } from "./run_file_cases.ts";
import { runMountCases, runSecretCases } from "./run_mount_cases.ts";
import { runUserCases } from "./run_user_cases.ts";

/** Cases that Docker's old builder builds as well: it is slow, and its layers are made by the code that BuildKit's here are made by. */
const classic: ReadonlySet<string> = new Set([
  "env-and-arg",
  "file-folder-to-file-and-back",
  "file-hardlink",
  "file-left-behind",
  "file-opaque-survivors",
  "file-setuid",
  "form-onbuild",
  "user-none",
  "user-of-base",
  "world-devices",
  "world-network-none",
  "world-refused",
]);

function withPeers(cases: readonly DifferentialCase[], peers: readonly PeerName[]): readonly Suite[] {
  return cases.map((item) => ({ cases: [item], peers: classic.has(item.name) ? [...peers, "classic"] : peers }));
}

/** Cases that buildah builds as well: where an overlay has more to tell than one that is none. */
const overlays =
  /^(bare|odd|scratch|user-(changes|file-cap|homeless|name$|owns|setuid))|^file-(create|delete-(file|folder)|folder-to|file-to|link-to|rename|opaque|hardlink|devices|set|xattrs|symlink-|copy|special|deep|names|over|from|ch|touch$|same)/;

const onFiles = [...runFileCases, ...runUserCases];

/**
 * All cases with RUN. BuildKit takes secrets from a session only, which an archive as context does without. buildah 1.28 is not asked about
 * mounts: it removes from the image what it mounts over; nor about what commands see, which other runtimes decide there.
 */
export const runSuites: readonly Suite[] = [
  ...withPeers(onFiles.filter(({ name }) => overlays.test(name)), ["buildkit", "buildah"]),
  ...withPeers(onFiles.filter(({ name }) => !overlays.test(name)), ["buildkit"]),
  ...withPeers([...runEnvironmentCases, ...runMountCases, ...runWhiteoutCases], ["buildkit"]),
  ...withPeers([...runNetworkFileCases, ...runFlagCases], ["classic", "buildah"]),
  ...withPeers(runSecretCases, ["buildah"]),
];
