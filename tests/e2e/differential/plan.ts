import type { Need } from "../../helpers/require.ts";
import type { AcceptedDifference } from "./accepted_difference.ts";
import type { DifferentialCase, PeerName } from "./case.ts";
import type { Base } from "./common_files.ts";

/** Cases with the builders that they are held against. */
export interface Suite {
  readonly cases: readonly DifferentialCase[];
  readonly peers: readonly PeerName[];
}

/** How buildah is set up. */
export interface BuildahSetup {
  readonly storageDriver: "vfs" | "overlay";
  /** Flags of `buildah bud` that say how it makes layers and runs commands. */
  readonly flags: readonly string[];
}

/** buildah with layers and overlays, and with commands in containers as docker has them. */
export const buildahOnOverlay: BuildahSetup = {
  storageDriver: "overlay",
  flags: [
    ...["--isolation", "oci", "--runtime", "runc", "--layers"],
    // Docker's defaults, some of which buildah leaves out.
    ...["CAP_AUDIT_WRITE", "CAP_MKNOD", "CAP_NET_RAW"].flatMap((name) => ["--cap-add", name]),
  ],
};

/** What a differential test builds and compares. */
export interface Plan {
  readonly suites: readonly Suite[];
  /** Gives the images that the Dockerfiles start from, by the name that `localhost/<name>:1` has. */
  readonly bases: () => Readonly<Record<string, Base>>;
  readonly accepted: readonly AcceptedDifference[];
  /** Fields that are not compared. */
  readonly ignored?: RegExp;
  readonly buildah: BuildahSetup;
  /** Programs that the test needs besides the builders. */
  readonly needs: readonly Need[];
}
